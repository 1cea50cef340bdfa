//! Checks of the workload.

use super::checker::Checker;
use crate::scenario::{Chain, Scenario, Workload};

impl Checker<'_> {
    /// Finds the chain called `name`.
    pub(super) fn chain_of<'c>(&mut self, key: &str, name: &str, chains: &'c [Chain]) -> Option<&'c Chain> {
        let allowed: Vec<&str> = chains.iter().map(|chain| chain.name.as_str()).collect();
        let found = chains.iter().find(|chain| chain.name == name);
        if found.is_none() {
            self.among(key, "chain", name, &allowed);
        }
        found
    }

    /// What clients request.
    pub(super) fn workload(&mut self, scenario: &mut Scenario) {
        self.workload_model(scenario);
        let Some(Workload::Payments(payments)) = &scenario.workload else { return };
        let path = "workload.payments";
        if self.chain_of(&format!("{path}.chain"), &payments.chain, &scenario.chain).is_none() {
            return;
        }
        let key = format!("{path}.rate");
        let needs_rate = payments.arrival.needs_rate();
        if payments.rate.is_none() && needs_rate {
            let label = "expected `rate`, in transactions per second";
            self.wrong(path, "nothing says how many payments are made", label);
        } else if payments.rate.is_some() && !needs_rate {
            self.wrong_key(&key, "`rate` means nothing here", "`arrival` sets the pace itself");
        }
        let is_reported = payments.rate.is_some() != needs_rate;
        let found = payments.check().into_iter().filter(|found| !(is_reported && found.key == "rate"));
        self.in_range(path, found.collect());
    }
}
