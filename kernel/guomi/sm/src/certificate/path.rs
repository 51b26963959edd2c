use super::{Certificate, chain::may_have_issued};

/// Puts the issuers of a certificate in the order of a chain: `certificate` first, then who has issued it, and so on as
/// far as `others` go. What does not belong to it is left out. Nothing is said of whether anybody trusts it: see
/// [`verify`](super::verify).
///
/// ```
/// # use std::time::{Duration, SystemTime};
/// # use weihe_sm::{certificate::{Order, Profile, issue, path, self_signed}, sm2::PrivateKey};
/// # let order = |subject: &str, profile| Order {
/// #     subject: subject.to_owned(),
/// #     profile,
/// #     hosts: Vec::new(),
/// #     not_before: SystemTime::now(),
/// #     not_after: SystemTime::now() + Duration::from_secs(3600),
/// # };
/// # let (root_key, key) = (PrivateKey::generate()?, PrivateKey::generate()?);
/// # let root = self_signed(&root_key, &order("CN=Plant", Profile::Authority { path_length: None }))?;
/// # let other = self_signed(&key, &order("CN=Other", Profile::Authority { path_length: None }))?;
/// # let maker = issue(&root, &root_key, &key.public_key(), &order("CN=Maker", Profile::CodeSigning))?;
/// let chain = path(&maker, &[other, root.clone()]);
/// assert_eq!(chain, [maker, root]);
/// # Ok::<(), weihe_sm::Error>(())
/// ```
pub fn path(certificate: &Certificate, others: &[Certificate]) -> Vec<Certificate> {
    let mut chain = vec![certificate.clone()];
    while let Some(last) = chain.last()
        && let Some(issuer) = others
            .iter()
            .find(|other| !chain.contains(other) && has_issued(other, last))
    {
        chain.push(issuer.clone());
    }
    chain
}

/// Whether a certificate is one that the other was issued with.
pub fn has_issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    may_have_issued(issuer, certificate)
        && certificate.verify_signature(&issuer.public_key()).is_ok()
}
