//! What a catalogue keeps of each thing: types are known here for the last time, behind it there are only names and
//! settings.

use crate::base::FaultModel;
use crate::protocol::{InvalidSetting, Protocol};
use crate::scenario::build::{Builder, BuiltChain};
use crate::scenario::model::choice::{Model, reread};
use crate::scenario::parse::spanned_toml::{Misread, SpannedToml};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// How the settings of something are read, checked and described.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct Settings {
    /// Reads settings and writes every default out.
    pub settle: fn(&SpannedToml) -> Result<toml::Table, Box<Misread>>,
    /// Refuses settled settings that make no sense for so many nodes.
    pub check: fn(&toml::Table, usize) -> Result<(), InvalidSetting>,
    /// Their schema.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Settings {
    /// Those that are read into a `T`.
    fn of<T: Serialize + DeserializeOwned + JsonSchema>(
        check: fn(&toml::Table, usize) -> Result<(), InvalidSetting>,
    ) -> Self {
        Settings { settle: settle::<T>, check, schema: |generator| generator.subschema_for::<T>() }
    }
}

fn settle<T: Serialize + DeserializeOwned>(tree: &SpannedToml) -> Result<toml::Table, Box<Misread>> {
    toml::Table::try_from(T::deserialize(tree)?).map_err(<Box<Misread> as serde::de::Error>::custom)
}

/// A protocol as scenarios know it.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolEntry {
    /// [`Protocol::NAME`].
    pub name: &'static str,
    /// [`Protocol::SUMMARY`].
    pub summary: &'static str,
    /// [`Protocol::FAULTS`].
    pub faults: FaultModel,
    /// [`Protocol::ATTACKS`].
    pub attacks: &'static [(&'static str, &'static str)],
    /// [`Protocol::Config`].
    pub(in crate::scenario) settings: Settings,
    /// How much faulty weight it tolerates among so many equal nodes, on settled settings.
    pub tolerates: fn(&toml::Table, usize) -> u64,
    /// Builds a chain of it.
    pub(in crate::scenario) chain: fn(&Builder<'_>) -> Result<BuiltChain, String>,
}

impl ProtocolEntry {
    pub(super) fn of<P: Protocol>() -> ProtocolEntry {
        ProtocolEntry {
            name: P::NAME,
            summary: P::SUMMARY,
            faults: P::FAULTS,
            attacks: P::ATTACKS,
            settings: Settings::of::<P::Config>(|settings, nodes| P::check(&reread(settings), nodes)),
            tolerates: |settings, nodes| P::committee(&reread(settings), vec![1; nodes]).faulty(),
            chain: |builder| builder.chain::<P>(),
        }
    }
}

/// A model of the kind `M`, such as [`LedgerModel`](super::LedgerModel), as scenarios know it.
pub(in crate::scenario) struct Entry<M: ?Sized> {
    /// [`Model::NAME`].
    pub name: &'static str,
    /// [`Model::SUMMARY`].
    pub summary: &'static str,
    /// The model's own table.
    pub settings: Settings,
    /// Reads settled settings.
    pub read: fn(&toml::Table) -> Box<M>,
}

impl<M: ?Sized> Clone for Entry<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: ?Sized> Copy for Entry<M> {}

impl<M: ?Sized> fmt::Debug for Entry<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<M: ?Sized> Entry<M> {
    pub(super) fn of<T: Model>(read: fn(&toml::Table) -> Box<M>) -> Self {
        let settings = Settings::of::<T>(|settings, nodes| reread::<T>(settings).check(nodes));
        Entry { name: T::NAME, summary: T::SUMMARY, settings, read }
    }
}
