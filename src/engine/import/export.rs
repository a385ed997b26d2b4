//! Inventories as files. Passwords are never told: their columns are there, and empty.

use crate::engine::error::ActError;
use crate::engine::fields::Field;
use crate::model::Device;

use super::formula;

/// The devices as CSV, every field a column.
///
/// # Errors
/// Never in practice: the text grows in memory.
pub fn csv_of<'a>(devices: impl Iterator<Item = &'a Device>) -> Result<String, ActError> {
    let failed = |error: &dyn std::fmt::Display| ActError::internal(format!("writing CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(Field::ALL.map(Field::as_str)).map_err(|error| failed(&error))?;
    for device in devices {
        writer
            .write_record(Field::ALL.map(|field| formula::quoted(field.read(device))))
            .map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// The devices as TOML, a `[[device]]` table each; empty fields are left out.
pub fn toml_of<'a>(devices: impl Iterator<Item = &'a Device>) -> String {
    let mut out = String::new();
    for device in devices {
        out.push_str("[[device]]\n");
        for field in Field::ALL {
            let value = field.read(device);
            if !value.is_empty() && value != "no" {
                out.push_str(&format!("{field} = {}\n", toml::Value::String(value)));
            }
        }
        out.push('\n');
    }
    out
}
