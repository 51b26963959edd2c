//! A system of which only names are known.

use super::engine::Live;

/// All that it has is named alike.
pub(super) struct Named<'n>(pub(super) &'n [String]);

impl Named<'_> {
    fn all(&self) -> Vec<(String, String)> {
        let names = self.0.iter();
        names.map(|name| (name.clone(), name.clone())).collect()
    }
}

impl Live for Named<'_> {
    fn devices(&self) -> Vec<(String, String)> {
        self.all()
    }

    fn plugins(&self) -> Vec<(String, String)> {
        self.all()
    }

    fn topics(&self) -> Vec<(String, String)> {
        self.all()
    }

    fn parts(&self) -> Vec<(String, String)> {
        self.all()
    }

    fn commands(&self, _: &str) -> Vec<(String, String)> {
        self.all()
    }

    fn arguments(&self, _: &str, _: &str) -> Vec<(String, String)> {
        self.all()
    }
}
