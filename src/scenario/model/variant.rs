//! Scenarios that differ in some keys, in one file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One of several scenarios in one file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in tables and charts; its results are filed under it.
    pub name: String,
    /// What it changes: keys as for `--set`, such as `"chain.protocol" = "raft"`, and their values.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub set: BTreeMap<String, toml::Value>,
}
