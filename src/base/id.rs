//! Names of things: nodes, accounts, clients, heights.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! index {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(pub u32);
        impl $name {
            /// The number as an index into a table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl From<usize> for $name {
            /// # Panics
            /// Above `u32::MAX`: scenarios are bounded far below.
            fn from(index: usize) -> Self {
                Self(u32::try_from(index).expect("an index below 2^32"))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

index!(
    /// The identity that peers know; several seats may share one (Twins).
    NodeId, "n"
);
index!(
    /// A holder of assets. Its key is derived from the seed and this number.
    AccountId, "a"
);
index!(
    /// A source of requests, attached to one node.
    ClientId, "c"
);

/// Distance from genesis along a chain; genesis has height 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Height(pub u64);

impl Height {
    /// The height of genesis.
    pub const GENESIS: Height = Height(0);
    /// One further from genesis; the last one, which only Byzantine nodes speak of, is followed by itself.
    #[must_use]
    pub const fn next(self) -> Height {
        Height(self.0.saturating_add(1))
    }
    /// One nearer to genesis; genesis has none.
    #[must_use]
    pub const fn previous(self) -> Option<Height> {
        match self.0 {
            0 => None,
            height => Some(Height(height - 1)),
        }
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}", self.0)
    }
}
