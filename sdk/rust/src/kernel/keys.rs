//! Keys for a component: its imports.

use super::Kernel;
use super::guomi::key_agreement::{Initiator, Parties, Responder};
use super::guomi::keys::{About, Secret};
use super::guomi::{
    decrypter::Decrypter, encrypter::Encrypter, keys, signer::Signer, types::Uses,
    verifier::Verifier,
};
use crate::guomi::GuomiError;

impl Kernel {
    pub fn key(&self, name: &str, version: Option<u32>) -> Result<About, GuomiError> {
        Ok(keys::look(name, version)?)
    }

    pub fn secret(
        &self,
        name: &str,
        version: Option<u32>,
        uses: Uses,
    ) -> Result<Secret, GuomiError> {
        Ok(Secret::open(name, version, uses)?)
    }

    pub fn signer(&self, name: &str) -> Result<Signer, GuomiError> {
        Ok(Signer::open(name)?)
    }

    pub fn verifier(&self, name: &str, version: Option<u32>) -> Result<Verifier, GuomiError> {
        Ok(Verifier::open(name, version)?)
    }

    pub fn encrypter(&self, name: &str) -> Result<Encrypter, GuomiError> {
        Ok(Encrypter::open(name)?)
    }

    pub fn decrypter(&self, name: &str, version: Option<u32>) -> Result<Decrypter, GuomiError> {
        Ok(Decrypter::open(name, version)?)
    }

    pub fn initiator(&self, key: &str, parties: &Parties<'_>) -> Result<Initiator, GuomiError> {
        Ok(Initiator::open(key, parties.clone())?)
    }

    pub fn responder(&self, key: &str, parties: &Parties<'_>) -> Result<Responder, GuomiError> {
        Ok(Responder::open(key, parties.clone())?)
    }
}
