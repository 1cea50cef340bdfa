//! Conservation: what exists was there at genesis or was minted by rule. The ledger audits itself; this checker
//! turns what it finds into a violation.

use super::safety;
use crate::base::Time;
use crate::observe::{Observed, Observer, Violation};

/// See the head of this file.
pub struct Conservation;

impl Observer for Conservation {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        match *observed {
            Observed::Audited { block, broken: Some(broken) } => {
                let what = format!("after block {} at height {}: {broken}", block.id(), block.height());
                safety("conservation", now, what)
            }
            _ => Ok(()),
        }
    }
}
