//! Checks of what is asked for.

use super::Checker;
use crate::base::ByteSize;
use crate::scenario::{Arrival, Chain, Fee, Payments, Scenario, Workload};

/// Larger transactions are certainly a slip of the pen.
const TRANSACTION_MAX: ByteSize = ByteSize(4_000_000);

impl Checker<'_> {
    /// Finds the chain called `name`, or the first if no name is given, which is then filled in.
    pub(super) fn chain_of<'c>(&mut self, key: &str, name: &mut String, chains: &'c [Chain]) -> Option<&'c Chain> {
        if name.is_empty() {
            name.clone_from(&chains.first()?.name);
        }
        let allowed: Vec<&str> = chains.iter().map(|chain| chain.name.as_str()).collect();
        let found = chains.iter().find(|chain| chain.name == *name);
        if found.is_none() {
            self.among(key, "chain", name, &allowed);
        }
        found
    }

    /// Who asks for what.
    pub(super) fn workload(&mut self, scenario: &mut Scenario) {
        self.workload_model(scenario);
        let Some(Workload::Payments(payments)) = &mut scenario.workload else { return };
        let path = "workload.payments";
        let Some(chain) = self.chain_of(&format!("{path}.chain"), &mut payments.chain, &scenario.chain) else { return };
        if payments.clients == 0 {
            payments.clients = chain.nodes.count;
        }
        self.arrival(path, payments);
        self.at_least(&format!("{path}.accounts"), f64::from(payments.accounts), 2.0);
        self.within(&format!("{path}.zipf_exponent"), payments.zipf_exponent, 0.0, 10.0);
        self.within(&format!("{path}.bytes_sigma"), payments.bytes_sigma, 0.0, 5.0);
        if payments.bytes > TRANSACTION_MAX {
            let title = format!("`bytes` must be at most {TRANSACTION_MAX}");
            self.wrong(&format!("{path}.bytes"), title, format!("found {}", payments.bytes));
        }
        if let Fee::Lognormal { sigma, .. } = payments.fee {
            self.within(&format!("{path}.fee.lognormal.sigma"), sigma, 0.0, 5.0);
        }
        if let Some(retry) = payments.retry.first() {
            self.lasting(&format!("{path}.retry"), retry);
        }
    }

    fn arrival(&mut self, path: &str, payments: &Payments) {
        let key = format!("{path}.rate");
        match (payments.rate, payments.arrival.wants_rate()) {
            (Some(rate), true) => self.above_zero(&key, rate),
            (None, true) => {
                let label = "expected `rate`, in transactions per second";
                self.wrong(path, "nothing says how many payments are made", label);
            }
            (Some(_), false) => {
                self.wrong_key(&key, "`rate` means nothing here", "`arrival` sets the pace itself");
            }
            (None, false) => {}
        }
        let path = format!("{path}.arrival");
        match &payments.arrival {
            Arrival::Poisson {} | Arrival::Constant {} | Arrival::Closed { .. } => {}
            Arrival::Bursts { size, interval, .. } => {
                self.at_least(&format!("{path}.bursts.size"), *size as f64, 1.0);
                self.lasting(&format!("{path}.bursts.interval"), *interval);
            }
            Arrival::OnOff { on, .. } => self.lasting(&format!("{path}.on_off.on"), *on),
            Arrival::Piecewise { steps, final_rate } => {
                self.at_least(&format!("{path}.piecewise.final_rate"), *final_rate, 0.0);
                for (at, step) in steps.iter().enumerate() {
                    self.lasting(&format!("{path}.piecewise.steps[{at}].duration"), step.duration);
                    self.at_least(&format!("{path}.piecewise.steps[{at}].rate"), step.rate, 0.0);
                }
            }
        }
    }
}
