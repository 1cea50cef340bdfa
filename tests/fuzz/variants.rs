//! The names of an enumeration's variants, asked of its own reader.

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// Notes what an enumeration says of itself, and gives nothing.
struct Asking<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = Error;
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(variants);
        Err(Error::custom("asked"))
    }
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no enumeration"))
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The variants of `M`: every type of message that a protocol has.
pub fn of<M: DeserializeOwned>() -> Vec<&'static str> {
    let mut variants = Vec::new();
    drop(M::deserialize(Asking(&mut variants)));
    variants
}

/// The variant that a written message is.
pub fn named(message: &Value) -> &str {
    match message {
        Value::Object(fields) => fields.keys().next().map_or("", String::as_str),
        Value::String(name) => name,
        _ => "",
    }
}
