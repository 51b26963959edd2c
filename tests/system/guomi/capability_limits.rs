//! What plugins may not have of cryptography: more than there can be, and what has not its form.

use serde_json::json;

use super::stand::{GRANTS, SM4, bare, done, hex, refused, rig, system, told};

#[tokio::test]
async fn lengths_beyond_all_memory_are_refused_with_the_limit() {
    let rig = rig().await;
    for length in [1_u64 << 63, u64::MAX, 65_537] {
        refused(
            &rig,
            "random",
            json!({ "length": length }),
            &format!(
                "TooLong(\"random bytes: {length} is more than the 65536 that one call may carry\")"
            ),
        )
        .await;
    }
    let random = done(&rig, "random", json!({ "length": 65_536 })).await;
    assert_eq!(random.as_str().unwrap().len(), 131_072);
    let asked = json!({ "key": "meter", "peer": "other", "length": u32::MAX });
    refused(
        &rig,
        "agree",
        asked,
        "bytes to agree on: 4294967295 is more than the 1024",
    )
    .await;
    rig.shutdown().await;
}

#[tokio::test]
async fn one_call_carries_a_mebibyte_and_not_a_byte_more() {
    let rig = bare();
    rig.add(&system(
        GRANTS,
        "host-call-data = \"8 MiB\"\nmemory = \"32 MiB\"\ncpu-time = \"60 s\"\ncall-time = \"60 s\"",
    ))
    .await;
    let most = 1 << 20;
    let over = "bytes of data: 1048577 is more than the 1048576 that one call may carry";
    done(&rig, "sm3", json!({ "zeros": most, "parts": 65_536 })).await;
    refused(&rig, "sm3", json!({ "zeros": most + 1 }), over).await;
    let seal = |zeros: u64| json!({ "key": "seal", "nonce": hex(&[0; 12]), "zeros": zeros });
    let sealed = done(&rig, "seal", seal(most)).await;
    assert_eq!(sealed.as_str().unwrap().len(), 2 * (1 << 20) + 32);
    refused(&rig, "seal", seal(most + 1), over).await;
    refused(
        &rig,
        "sign",
        json!({ "key": "meter", "zeros": most + 1 }),
        over,
    )
    .await;
    let mac = json!({ "key": "codes", "uses": "mac", "zeros": most + 1 });
    refused(&rig, "mac", mac, over).await;
    refused(
        &rig,
        "encrypt",
        json!({ "key": "meter", "zeros": 65_537 }),
        "bytes to encrypt with SM2: 65537 is more than the 65536",
    )
    .await;
    rig.shutdown().await;
}

#[tokio::test]
async fn data_beyond_the_budget_of_a_call_ends_the_instance_and_no_more() {
    let rig = bare();
    rig.add(&system(GRANTS, "host-call-data = \"64 KiB\""))
        .await;
    done(&rig, "sm3", json!({ "zeros": 32_768, "parts": 1024 })).await;
    let error = rig
        .call("desk", "sm3", json!({ "zeros": 100_000 }))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("host-call-data"), "{error}");
    rig.until_device("desk", "restarted", |device| {
        device.traps == 1 && device.incarnations > 1
    })
    .await;
    done(&rig, "sm3", json!({ "zeros": 32_768 })).await;
    rig.shutdown().await;
}

#[tokio::test]
async fn an_instance_has_256_handles_and_is_told_when_it_wants_more() {
    let rig = rig().await;
    refused(
        &rig,
        "hold",
        json!({ "count": 257 }),
        "Busy(\"device `desk` has 256 handles of cryptography open, and may have no more\")",
    )
    .await;
    // What was open is closed by then.
    assert_eq!(done(&rig, "hold", json!({ "count": 256 })).await, 256);
    rig.shutdown().await;
}

#[tokio::test]
async fn what_has_not_its_form_is_an_error_that_says_so() {
    let rig = rig().await;
    let malformed = [
        (
            "seal",
            json!({ "bytes": SM4, "mode": "ccm", "nonce": "00", "data": "00" }),
        ),
        ("seal", json!({ "bytes": SM4, "nonce": "", "data": "00" })),
        (
            "cipher",
            json!({ "bytes": SM4, "direction": "encrypt", "mode": "cbc", "iv": "00", "data": SM4 }),
        ),
        (
            "cipher",
            json!({ "bytes": SM4, "direction": "encrypt", "data": "00" }),
        ),
        (
            "verify",
            json!({ "public": "04", "data": "00", "signature": "00" }),
        ),
        (
            "verify",
            json!({ "public": hex(&[&[4][..], &[1; 64]].concat()), "signature": "00" }),
        ),
        (
            "verify",
            json!({ "certificate": "3000", "signature": "00" }),
        ),
        (
            "verify",
            json!({ "key": "meter", "digest": "00", "signature": "00" }),
        ),
        ("sign", json!({ "key": "meter", "digest": "0011" })),
        ("encrypt", json!({ "key": "meter", "data": "" })),
        ("secret", json!({ "bytes": "" })),
        (
            "agree",
            json!({ "key": "meter", "peer": "other", "length": 0 }),
        ),
    ];
    for (command, asked) in malformed {
        refused(&rig, command, asked, "Error::Malformed(").await;
    }
    // A key of another length is no SM4 key.
    let asked = json!({ "bytes": "001122", "nonce": hex(&[0; 12]), "data": "00" });
    refused(&rig, "seal", asked, "Error::WrongUse(").await;
    // A padding that is wrong is nothing more than that.
    let asked = json!({
        "key": "seal", "direction": "decrypt", "mode": "cbc", "iv": hex(&[0; 16]), "padding": "pkcs7", "data": hex(&[7; 32]),
    });
    assert_eq!(
        told(&rig, "cipher", asked).await.unwrap_err(),
        "Error::DecryptFailed"
    );
    rig.shutdown().await;
}
