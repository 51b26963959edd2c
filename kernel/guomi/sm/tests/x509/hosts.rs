use std::str::FromStr;

use proptest::prelude::*;
use weihe_sm::certificate::Host;

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

#[test]
fn a_star_stands_for_one_label() {
    let star = host("*.line.plant");
    for good in ["a.line.plant", "A.LINE.PLANT", "xn--n3h.line.plant"] {
        assert!(star.matches(&host(good)), "{good}");
    }
    for bad in ["line.plant", "a.b.line.plant", "a.line.plantx", "192.0.2.7"] {
        assert!(!star.matches(&host(bad)), "{bad}");
    }
    // A whole top level is nobody's.
    assert!(!host("*.plant").matches(&host("gateway.plant")));
    assert!(host("localhost").matches(&host("localhost")));
}

#[test]
fn an_address_is_not_a_name() {
    assert_eq!(host("192.0.2.7").to_string(), "192.0.2.7");
    assert!(!Host::Dns("192.0.2.7".to_owned()).matches(&host("192.0.2.7")));
    assert!(host("::ffff:1.2.3.4") != host("1.2.3.4"));
}

#[test]
fn what_is_no_host_is_refused() {
    let long = "a".repeat(64);
    let many = "a.".repeat(127) + "b";
    for bad in [
        "", ".", "a..b", "-a.b", "a-.b", "a b", "a.*.b", "*", "*a.b", "a/b", "a:80", "größe",
        "a\0.b", "[::1]", &long, &many,
    ] {
        assert!(Host::from_str(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_shown_the_same(text in "[a-z0-9*.:-]{0,40}") {
        if let Ok(host) = Host::from_str(&text) {
            prop_assert_eq!(host.to_string().parse::<Host>().unwrap(), host);
        }
    }
}
