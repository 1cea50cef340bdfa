//! Choices by name: what a catalogue has, and what it adds to the words of the format.

use super::{Latency, Topology, Workload};
use crate::network::latency::Distribution;
use crate::network::topology::GraphModel;
use crate::protocol::{InvalidSetting, Protocol};
use crate::scenario::parse::spanned_toml::SpannedToml;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, EnumAccess, MapAccess, VariantAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Something that a scenario chooses by name, and its settings.
pub trait Model: Serialize + DeserializeOwned + JsonSchema + 'static {
    /// Its word in scenarios: lower case.
    const NAME: &'static str;
    /// One line for lists.
    const SUMMARY: &'static str;
    /// Refuses settings that make no sense for `nodes` nodes.
    ///
    /// # Errors
    /// The first invalid, as key and reason.
    fn check(&self, _nodes: usize) -> Result<(), InvalidSetting> {
        Ok(())
    }
}

/// A protocol and its settings. In a checked scenario the name is known and the settings are complete.
#[derive(Clone, PartialEq, Debug)]
pub struct ProtocolChoice {
    /// Its [`Protocol::NAME`].
    pub name: String,
    /// Its [`Protocol::Config`], as the scenario would write it.
    pub settings: toml::Table,
}

/// A model of the catalogue and its settings. In a checked scenario the name is known and the settings are complete.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelChoice {
    /// Its [`Model::NAME`].
    pub name: String,
    /// The table that is read into it, as the scenario would write it.
    pub settings: toml::Table,
}

impl ProtocolChoice {
    /// The choice of `P` with these settings.
    ///
    /// # Panics
    /// If they have no form in TOML, whose whole numbers end at 2^63.
    #[must_use]
    pub fn of<P: Protocol>(config: &P::Config) -> ProtocolChoice {
        ProtocolChoice { name: P::NAME.to_owned(), settings: written(config) }
    }
    /// The settings as `P` understands them; `None` if this is not `P`.
    ///
    /// # Panics
    /// On settings that were not checked: a [`Scenario`](super::Scenario) that was loaded or checked has none.
    #[must_use]
    pub fn config<P: Protocol>(&self) -> Option<P::Config> {
        (self.name == P::NAME).then(|| reread(&self.settings))
    }
}

impl ModelChoice {
    /// The choice of this model.
    ///
    /// # Panics
    /// If its settings have no form in TOML, whose whole numbers end at 2^63.
    #[must_use]
    pub fn of<M: Model>(model: &M) -> ModelChoice {
        ModelChoice { name: M::NAME.to_owned(), settings: written(model) }
    }
}

fn written(settings: &impl Serialize) -> toml::Table {
    toml::Table::try_from(settings).expect("settings have a form in TOML")
}

/// Settings that were settled and written by us.
pub fn reread<T: DeserializeOwned>(settings: &toml::Table) -> T {
    T::deserialize(&SpannedToml::of_settings(settings)).expect("settings that were checked")
}
/// A word, or a table with one key, which names the choice.
struct ByName(&'static str);

impl<'de> Visitor<'de> for ByName {
    type Value = (String, toml::Table);
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a {}, or a table named after one", self.0)
    }
    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((name.to_owned(), toml::Table::new()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let what = self.0;
        let Some((name, settings)) = map.next_entry()? else {
            return Err(de::Error::custom(format!("a chain needs a {what}")));
        };
        match map.next_key::<String>()? {
            None => Ok((name, settings)),
            Some(second) => Err(de::Error::custom(format!("a chain has one {what}, found `{name}` and `{second}`"))),
        }
    }
}

impl<'de> Deserialize<'de> for ProtocolChoice {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<ProtocolChoice, D::Error> {
        from.deserialize_any(ByName("protocol")).map(|(name, settings)| ProtocolChoice { name, settings })
    }
}

impl<'de> Deserialize<'de> for ModelChoice {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<ModelChoice, D::Error> {
        from.deserialize_any(ByName("model")).map(|(name, settings)| ModelChoice { name, settings })
    }
}

impl Serialize for ProtocolChoice {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        by_name(&self.name, &self.settings, out)
    }
}

impl Serialize for ModelChoice {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        by_name(&self.name, &self.settings, out)
    }
}

fn by_name<S: Serializer>(name: &str, settings: &toml::Table, out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(1))?;
    map.serialize_entry(name, settings)?;
    map.end()
}

/// The word that stands for a choice in a scenario.
pub fn word(choice: &impl Serialize) -> String {
    match toml::Value::try_from(choice) {
        Ok(toml::Value::String(word)) => word,
        Ok(toml::Value::Table(table)) => table.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

/// A choice among words of the format, to which a catalogue adds models.
pub trait Open: Sized {
    /// The words of the format.
    const WORDS: &'static [&'static str];
    /// The choice of a model; whether there is such a one is checked later.
    fn model(choice: ModelChoice) -> Self;
    /// Reads a choice of which it is known that it is among the words.
    fn among_words<'de, D: Deserializer<'de>>(word: &str, from: D) -> Result<Self, D::Error>;
}

/// Makes an enumeration, whose variant `Model` stands for what a catalogue adds, an open choice. Its own reading and writing
/// are derived with `#[serde(remote = "Self")]`, which leaves these names free. One variant may hold a type whose words are
/// words of the choice.
macro_rules! open {
    ($choice:ident $(: $inner:ident($held:ty) $first:literal $($more:literal)*)?; $($own:literal)+) => {
        impl Open for $choice {
            const WORDS: &'static [&'static str] = &[$($first, $($more,)*)? $($own),+];
            fn model(choice: ModelChoice) -> $choice {
                $choice::Model(choice)
            }
            fn among_words<'de, D: Deserializer<'de>>(word: &str, from: D) -> Result<$choice, D::Error> {
                $(if matches!(word, $first $(| $more)*) {
                    return <$held as Deserialize>::deserialize(from).map($choice::$inner);
                })?
                debug_assert!(Self::WORDS.contains(&word));
                $choice::deserialize(from)
            }
        }

        impl<'de> Deserialize<'de> for $choice {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$choice, D::Error> {
                from.deserialize_enum(stringify!($choice), $choice::WORDS, OpenVisitor(PhantomData))
            }
        }

        impl Serialize for $choice {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                match self {
                    $choice::Model(choice) => choice.serialize(out),
                    $($choice::$inner(held) => held.serialize(out),)?
                    word => $choice::serialize(word, out),
                }
            }
        }
    };
}

open!(Latency: Distribution(Distribution) "constant" "uniform" "normal" "lognormal" "shifted_lognormal" "exponential" "pareto"
    "weibull" "generalised_pareto" "empirical"; "regions" "simblock");
open!(Topology: Graph(GraphModel) "complete" "outbound" "random_regular" "small_world" "scale_free" "star" "relay" "ring";
    "degrees" "file");
open!(Workload; "payments");

struct OpenVisitor<T>(PhantomData<T>);

impl<'de, T: Open> Visitor<'de> for OpenVisitor<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, or a table named after one")
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<T, A::Error> {
        let (word, settings) = access.variant::<String>()?;
        if T::WORDS.contains(&word.as_str()) {
            return T::among_words(&word.clone(), Picked { word, settings });
        }
        // Settings that are no table are refused where the catalogue knows the name.
        let settings = match settings.newtype_variant()? {
            toml::Value::Table(settings) => settings,
            _ => toml::Table::new(),
        };
        Ok(T::model(ModelChoice { name: word, settings }))
    }
}

/// A choice whose word was read already.
struct Picked<S> {
    word: String,
    settings: S,
}

impl<'de, S: VariantAccess<'de>> Deserializer<'de> for Picked<S> {
    type Error = S::Error;
    fn deserialize_any<W: Visitor<'de>>(self, visitor: W) -> Result<W::Value, S::Error> {
        visitor.visit_enum(self)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, S: VariantAccess<'de>> EnumAccess<'de> for Picked<S> {
    type Error = S::Error;
    type Variant = S;
    fn variant_seed<W: de::DeserializeSeed<'de>>(self, seed: W) -> Result<(W::Value, S), S::Error> {
        let word = seed.deserialize(de::value::StringDeserializer::new(self.word))?;
        Ok((word, self.settings))
    }
}

/// Adds to an open choice, in front of its own words, those of a type that one of its variants holds.
pub fn with_words_of<T: JsonSchema>(schema: &mut Schema) {
    let mut words = schemars::schema_for!(T).to_value()["oneOf"].as_array().cloned().expect("a choice among words");
    let own = schema.get_mut("oneOf").and_then(serde_json::Value::as_array_mut).expect("a choice among words");
    words.append(own);
    *own = words;
}

/// Stands in the schema of a chain where a catalogue says what there is.
macro_rules! filled_in {
    ($($place:ident $name:literal)+) => {
        $(pub struct $place;

        impl JsonSchema for $place {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": ["string", "object"]})
            }
        })+
    };
}

filled_in! {
    Protocols "Protocol"
    Ledgers "Ledger"
    Networks "NetworkModel"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::listing::choices;
    use schemars::JsonSchema;

    fn in_schema<T: JsonSchema>() -> Vec<String> {
        choices::<T>().into_iter().map(|choice| choice.word).collect()
    }

    #[test]
    fn the_words_of_an_open_choice_are_those_of_its_schema() {
        assert_eq!(in_schema::<Latency>(), Latency::WORDS);
        assert_eq!(in_schema::<Topology>(), Topology::WORDS);
        assert_eq!(in_schema::<Workload>(), Workload::WORDS);
    }
}
