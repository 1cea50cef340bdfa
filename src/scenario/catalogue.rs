//! What a scenario can choose from: the protocols of the registry, and everything else with one line each.

use super::spelling::GENERIC_ATTACKS;
use super::tree::{Misread, Tree};
use super::words;
use crate::base::FaultModel;
use crate::protocol::{Misfit, Protocol, Visitor};
use schemars::{Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A protocol as scenarios know it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// [`Protocol::NAME`].
    pub name: &'static str,
    /// [`Protocol::SUMMARY`].
    pub summary: &'static str,
    /// [`Protocol::FAULTS`].
    pub faults: FaultModel,
    /// [`Protocol::ATTACKS`].
    pub attacks: &'static [(&'static str, &'static str)],
    /// Reads settings and writes every default out.
    pub(super) settle: fn(&Tree) -> Result<toml::Table, Misread>,
    /// [`Protocol::check`] on settled settings.
    pub(super) check: fn(&toml::Table, usize) -> Result<(), Misfit>,
    /// The schema of its settings.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Known {
    /// What is known of `P`.
    #[must_use]
    pub fn of<P: Protocol>() -> Known {
        Known {
            name: P::NAME,
            summary: P::SUMMARY,
            faults: P::FAULTS,
            attacks: P::ATTACKS,
            settle: |tree| {
                let config = P::Config::deserialize(tree)?;
                Ok(toml::Table::try_from(config).expect("settings are a table of plain values"))
            },
            check: |settings, nodes| {
                let config: P::Config = settings.clone().try_into().expect("settings that were written by us");
                P::check(&config, nodes)
            },
            schema: |generator| generator.subschema_for::<P::Config>(),
        }
    }
}

/// The protocols of the registry, by name.
#[must_use]
pub fn known() -> Vec<Known> {
    struct Gather(Vec<Known>);
    impl Visitor for Gather {
        fn visit<P: Protocol>(&mut self) {
            self.0.push(Known::of::<P>());
        }
    }
    let mut gather = Gather(Vec::new());
    crate::consensus::visit(&mut gather);
    gather.0
}

/// One thing to choose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Choice {
    /// The word in scenarios.
    pub word: String,
    /// One line.
    pub summary: String,
}

/// Things to choose from, under a heading.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Section {
    /// What they are.
    pub heading: &'static str,
    /// Where in a scenario the words stand.
    pub key: &'static str,
    /// The words.
    pub choices: Vec<Choice>,
}
