use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use weihe_sm::sm3::{self, DIGEST};

/// SM3 as rustls hashes its transcript.
pub(crate) struct Sm3;

impl Hash for Sm3 {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Transcript(sm3::Sm3::new()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        Output::new(&sm3::digest(data))
    }

    fn output_len(&self) -> usize {
        DIGEST
    }

    fn algorithm(&self) -> HashAlgorithm {
        // What sm2sig_sm3 has in its first byte. Sessions are only resumed between suites with one hash.
        HashAlgorithm::Unknown(7)
    }
}

struct Transcript(sm3::Sm3);

impl Context for Transcript {
    fn fork_finish(&self) -> Output {
        Output::new(&self.0.clone().finish())
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> Output {
        Output::new(&self.0.finish())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}
