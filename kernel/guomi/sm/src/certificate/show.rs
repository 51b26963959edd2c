use std::fmt;

use const_oid::db::DB;
use x509_cert::ext::pkix::KeyUsage;

use super::{Certificate, parse::hex};

/// The certificate for people, a line for each thing that it says.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let validity = self.parsed.tbs_certificate().validity();
        writeln!(f, "subject      {}", self.subject())?;
        writeln!(f, "issuer       {}", self.issuer())?;
        writeln!(f, "serial       {}", self.serial())?;
        writeln!(f, "not before   {}", validity.not_before)?;
        writeln!(f, "not after    {}", validity.not_after)?;
        writeln!(f, "key          SM2 {}", hex(&self.public_key().to_sec1()))?;
        match self.extensions.authority {
            Some(Some(length)) => writeln!(f, "authority    yes, {length} below it")?,
            Some(None) => writeln!(f, "authority    yes")?,
            None => writeln!(f, "authority    no")?,
        }
        if let Some(usage) = &self.extensions.usage {
            writeln!(f, "usage        {}", usages(usage).join(", "))?;
        }
        if self.extensions.purposes.is_some() {
            let purposes = list(&self.purposes());
            writeln!(f, "purposes     {purposes}")?;
        }
        if !self.hosts().is_empty() {
            writeln!(f, "hosts        {}", list(self.hosts()))?;
        }
        let extensions = self.parsed.tbs_certificate().extensions();
        for extension in extensions.into_iter().flatten() {
            let critical = if extension.critical { ", critical" } else { "" };
            let oid = extension.extn_id;
            let name = DB.by_oid(&oid).unwrap_or("not known here");
            let name = name.trim_start_matches("id-ce-");
            writeln!(f, "extension    {name} ({oid}){critical}")?;
        }
        writeln!(f, "fingerprint  SM3 {}", hex(&self.fingerprint()))
    }
}

fn list(items: &[impl ToString]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// RFC 5280, 4.2.1.3.
fn usages(usage: &KeyUsage) -> Vec<&'static str> {
    let all = [
        (usage.digital_signature(), "digital signature"),
        (usage.non_repudiation(), "non-repudiation"),
        (usage.key_encipherment(), "key encipherment"),
        (usage.data_encipherment(), "data encipherment"),
        (usage.key_agreement(), "key agreement"),
        (usage.key_cert_sign(), "certificate signing"),
        (usage.crl_sign(), "CRL signing"),
        (usage.encipher_only(), "encipher only"),
        (usage.decipher_only(), "decipher only"),
    ];
    all.into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect()
}
