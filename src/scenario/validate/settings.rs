//! Checks of what is chosen from the catalogue, whose settings are completed.

use super::checker::Checker;
use crate::scenario::catalogue::{Entry, Models, ProtocolEntry, Settings};
use crate::scenario::model::choice::Open;
use crate::scenario::parse::error::{allow, suggest};
use crate::scenario::parse::spanned_toml::{Misread, Reason, SpannedToml};
use crate::scenario::{Chain, Latency, ModelChoice, Scenario, Topology, Workload};

/// After so many settings that cannot be read, the rest waits.
const MISREAD_MAX: usize = 20;

impl Checker<'_> {
    /// The protocol of a chain.
    pub(super) fn protocol(&mut self, path: &str, chain: &mut Chain) -> Option<ProtocolEntry> {
        let (key, name, catalogue) = (format!("{path}.protocol"), &chain.protocol.name, self.catalogue());
        let Some(protocol) = catalogue.protocol(name) else {
            let allowed: Vec<&str> = catalogue.protocols().map(|protocol| protocol.name).collect();
            let place = self.tree().place_of_choice(&key);
            let mistake = self.sources().error_at(&place, format!("unknown protocol \"{name}\""), allow(&allowed));
            self.push(mistake.help(suggest(name, &allowed)));
            return None;
        };
        chain.protocol.settings = self.settled(&key, name, protocol.settings, chain.nodes.count() as usize)?;
        Some(*protocol)
    }
    /// What the nodes of a chain agree on.
    pub(super) fn ledger(&mut self, path: &str, chain: &mut Chain) {
        let models = self.catalogue().ledgers();
        self.model(&format!("{path}.ledger"), &mut chain.ledger, models, &[], chain.nodes.count());
    }
    /// What the catalogue has of the network of a chain.
    pub(super) fn network_models(&mut self, path: &str, chain: &mut Chain) {
        let (catalogue, network, n) = (self.catalogue(), &mut chain.network, chain.nodes.count());
        let key = |word: &str| format!("{path}.network.{word}");
        if let Some(Latency::Model(choice)) = &mut network.latency {
            self.model(&key("latency"), choice, catalogue.latencies(), Latency::WORDS, n);
        }
        if let Topology::Model(choice) = &mut network.topology {
            self.model(&key("topology"), choice, catalogue.topologies(), Topology::WORDS, n);
        }
        if let Some(choice) = &mut network.model {
            self.model(&key("model"), choice, catalogue.networks(), &[], n);
        }
    }
    /// A workload of the catalogue, and the chain that it drives.
    pub(super) fn workload_model(&mut self, scenario: &mut Scenario) {
        let Some(Workload::Model(choice)) = &mut scenario.workload else { return };
        let models = self.catalogue().workloads();
        // Whether the settings suit the chain is asked when it is known which one that is.
        let Some(entry) = self.known("workload", choice, models, Workload::WORDS) else { return };
        let before = self.count();
        let Some(settings) = self.read("workload", &choice.name, entry.settings) else { return };
        choice.settings = settings;
        if self.count() > before {
            return;
        }
        let (key, model) = (format!("workload.\"{}\"", choice.name), (entry.read)(&choice.settings));
        let Some(first) = scenario.chain.first() else { return };
        let name = model.chain().unwrap_or(&first.name);
        let Some(chain) = self.chain_of(&format!("{key}.chain"), name, &scenario.chain) else { return };
        let invalid = (entry.settings.check)(&choice.settings, chain.nodes.count() as usize).err();
        if let Some(invalid) = invalid {
            let title = format!("`{}` does not suit this chain", invalid.key);
            self.wrong(&format!("{key}.{}", invalid.key), title, invalid.reason);
        }
    }
    /// The chain that the workload drives, and how many accounts it uses there.
    pub(super) fn driven(&self, scenario: &Scenario) -> Option<(String, u32)> {
        let choice = match scenario.workload.as_ref()? {
            Workload::Payments(payments) => return Some((payments.chain.clone(), payments.accounts)),
            Workload::Model(choice) => choice,
        };
        // Settings that could not be read say nothing.
        let is_read = self.has_only_warnings();
        let entry = self.catalogue().workloads().get(choice.name.as_str()).filter(|_| is_read)?;
        let model = (entry.read)(&choice.settings);
        let chain = model.chain().or(scenario.chain.first().map(|chain| chain.name.as_str()))?;
        Some((chain.to_owned(), model.accounts()))
    }

    /// A model that is chosen at `key`, where the format itself knows some `words`.
    fn model<M: ?Sized>(
        &mut self,
        key: &str,
        choice: &mut ModelChoice,
        models: &Models<M>,
        words: &[&'static str],
        nodes: u32,
    ) {
        let Some(entry) = self.known(key, choice, models, words) else { return };
        if let Some(settings) = self.settled(key, &choice.name, entry.settings, nodes as usize) {
            choice.settings = settings;
        }
    }
    /// What the catalogue has by the name that is chosen at `key`.
    fn known<'m, M: ?Sized>(
        &mut self,
        key: &str,
        choice: &ModelChoice,
        models: &'m Models<M>,
        words: &[&'static str],
    ) -> Option<&'m Entry<M>> {
        let entry = models.get(choice.name.as_str());
        if entry.is_none() {
            let allowed = words.iter().chain(models.keys()).copied().collect();
            let reason = Reason::UnknownWord { found: choice.name.clone(), allowed };
            let misread = Misread { reason, place: Some(self.tree().place_of_choice(key)), key: None };
            self.push(self.sources().misread(Box::new(misread)));
        }
        entry
    }
    /// The settings of what is chosen at `key`, complete and suitable for so many nodes; `None` if they cannot be read.
    fn settled(&mut self, key: &str, name: &str, settings: Settings, nodes: usize) -> Option<toml::Table> {
        let before = self.count();
        let table = self.read(key, name, settings)?;
        if self.count() == before
            && let Err(invalid) = (settings.check)(&table, nodes)
        {
            let title = format!("`{}` does not suit this chain", invalid.key);
            self.wrong(&format!("{key}.\"{name}\".{}", invalid.key), title, invalid.reason);
        }
        Some(table)
    }
    /// The same, whether suitable or not.
    fn read(&mut self, key: &str, name: &str, settings: Settings) -> Option<toml::Table> {
        let written = self.tree().at(&format!("{key}.\"{name}\"")).cloned();
        let mut tree = written.unwrap_or_else(|| SpannedToml::empty(self.tree().place(key)));
        let before = self.count();
        loop {
            let error = match (settings.settle)(&tree) {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            };
            // What is wrong is taken away, or put right, to see what else is.
            let mended = error.place.clone().and_then(|place| tree.mend(&place, error.meant()));
            let mistake = self.sources().misread(error);
            self.push(mistake);
            if mended.is_none() || self.count() > before + MISREAD_MAX {
                return None;
            }
        }
    }
}
