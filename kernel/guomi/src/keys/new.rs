use super::{Algorithm, KeyError, Uses};

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Its name: a lower-case letter, then letters, digits, `-` and `_`; 64 at most.
    pub name: String,
    /// What it is for.
    pub algorithm: Algorithm,
    /// What may be done with it.
    pub uses: Uses,
    /// Whether it may be taken out later. That cannot be changed.
    pub exportable: bool,
}

impl NewKey {
    /// A key that allows all that its algorithm can do, and cannot be taken out.
    pub fn new(name: impl Into<String>, algorithm: Algorithm) -> Self {
        Self {
            name: name.into(),
            algorithm,
            uses: algorithm.uses(),
            exportable: false,
        }
    }

    /// Whether there can be such a key.
    ///
    /// # Errors
    /// [`KeyError::Name`], [`KeyError::NoUse`], [`KeyError::UselessUse`].
    pub fn check(&self) -> Result<(), KeyError> {
        check_name(&self.name)?;
        if self.uses.is_empty() {
            return Err(KeyError::NoUse {
                name: self.name.clone(),
            });
        }
        let possible = self.algorithm.uses();
        match self.uses.iter().find(|wanted| !possible.contains(*wanted)) {
            Some(wanted) => Err(KeyError::UselessUse {
                algorithm: self.algorithm,
                wanted,
                possible,
            }),
            None => Ok(()),
        }
    }
}

/// Whether a key can have this name.
///
/// # Errors
/// [`KeyError::Name`].
pub(super) fn check_name(name: &str) -> Result<(), KeyError> {
    match weihe_kernel::is_name(name) {
        true => Ok(()),
        false => Err(KeyError::Name(name.to_owned())),
    }
}
