//! Names of plugins, connections and devices.

/// Whether a name is fit for devices, plugins and connections.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for (name, fine) in [
            ("soil-1", true),
            ("", false),
            ("Soil", false),
            ("1a", false),
            ("a/b", false),
        ] {
            assert_eq!(is_name(name), fine, "{name}");
        }
    }
}
