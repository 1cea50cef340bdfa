//! The JSON Schema of the format, for editors: completion and checks while typing.

use super::catalogue::known;
use super::{ProtocolChoice, Scenario};
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The JSON Schema (2020-12) of scenarios, the settings of every registered protocol included.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().with_transform(Shorthand).into_generator();
    let mut schema = generator.into_root_schema_for::<Scenario>().to_value();
    schema["title"] = json!("Ledgerlab scenario");
    if let Some(properties) = schema["properties"].as_object_mut() {
        let seeds = properties["seeds"].clone();
        properties.insert("seed".into(), seeds);
    }
    schema
}

impl JsonSchema for ProtocolChoice {
    fn schema_name() -> Cow<'static, str> {
        "Protocol".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let choices: Vec<Value> = known()
            .iter()
            .map(|protocol| {
                let mut properties = Map::new();
                properties.insert(protocol.name.into(), (protocol.schema)(generator).to_value());
                json!({
                    "description": protocol.summary,
                    "type": "object",
                    "properties": properties,
                    "required": [protocol.name],
                    "additionalProperties": false,
                })
            })
            .collect();
        json_schema!({"oneOf": choices})
    }
}

/// Lets a choice whose settings all have defaults be written as one word, as scenarios allow.
#[derive(Clone)]
struct Shorthand;

impl Transform for Shorthand {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else { return };
        let mut words = Vec::new();
        for choice in choices.iter() {
            let Some([word]) = choice["required"].as_array().map(Vec::as_slice) else { continue };
            let Some(word) = word.as_str() else { continue };
            let settings = &choice["properties"][word];
            let is_table = settings["type"] == "object" || settings.get("$ref").is_some();
            if choice["type"] == "object" && is_table && settings.get("required").is_none() {
                words.push(json!(word));
            }
        }
        if !words.is_empty() {
            choices.push(json!({"description": "the same with default settings", "enum": words}));
        }
    }
}
