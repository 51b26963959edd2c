//! Why hardware cannot be used, in words for people that name the culprit.

/// Why hardware cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HalError {
    /// There is no such thing.
    #[error("there is no {kind} `{name}`{}", near(.similar))]
    Unknown {
        /// What it would be: `line`, `I2C bus`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// Names that are there and look like it, the best first.
        similar: Vec<String>,
    },
    /// The grant does not cover it.
    #[error("{0}")]
    Denied(String),
    /// Somebody else has it.
    #[error("{name} is taken by {holder}")]
    Taken {
        /// What.
        name: String,
        /// Who: ``device `pump` ``, or what the kernel calls a program.
        holder: String,
    },
    /// So many operations wait for it that no more may.
    #[error(
        "{name} is busy: {waiting} operations wait for it already; whatever is on it answers slowly, or not at all"
    )]
    Busy {
        /// The bus, chip or port.
        name: String,
        /// How many wait.
        waiting: usize,
    },
    /// The hardware or its driver cannot do this.
    #[error("{0}")]
    Unsupported(String),
    /// An argument that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// More than one call may carry.
    #[error("{what}: {asked} is more than the {limit} that one call may carry")]
    TooLong {
        /// What: bytes of a read, operations.
        what: &'static str,
        /// How many were asked for.
        asked: u64,
        /// How many there may be.
        limit: u64,
    },
    /// Nothing happened in time.
    #[error("{0}")]
    Timeout(String),
    /// The hardware has vanished.
    #[error("{0}")]
    Gone(String),
    /// Anything else that the driver reports.
    #[error("{0}")]
    Failed(String),
}

fn near(similar: &[String]) -> String {
    match similar {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        many => format!("; there are `{}`", many.join("`, `")),
    }
}
