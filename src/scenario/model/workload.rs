//! What clients ask for, in the words of a scenario.

use super::choice::ModelChoice;
use crate::workload::payments::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients ask for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
pub enum Workload {
    /// Payments between accounts.
    Payments(Settings),
    /// A workload of the catalogue.
    #[serde(skip)]
    Model(ModelChoice),
}
