//! L6: the catalogue of everything that this crate comes with.

use crate::consensus;
use crate::protocol::{Protocol, Visitor};
use crate::scenario::Catalogue;

impl Catalogue {
    /// Everything that this crate comes with.
    ///
    /// # Panics
    /// Never: its protocols have names of their own.
    #[must_use]
    pub fn standard() -> Catalogue {
        struct Filling(Catalogue);
        impl Visitor for Filling {
            fn visit<P: Protocol>(&mut self) {
                self.0.add_protocol::<P>().expect("protocols have names of their own");
            }
        }
        let mut filling = Filling(Catalogue::without_protocols());
        consensus::visit(&mut filling);
        filling.0
    }
}
