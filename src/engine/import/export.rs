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
    csv_rows(&Field::ALL, devices.map(|device| Field::ALL.map(|field| field.read(device)).to_vec()))
}

/// A line with the fields' names, and a line for each row of their values.
///
/// # Errors
/// When a row has another number of values: a fault of noctule.
pub fn csv_rows(fields: &[Field], rows: impl Iterator<Item = Vec<String>>) -> Result<String, ActError> {
    let failed = |error: &dyn std::fmt::Display| ActError::internal(format!("writing CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields.iter().map(|field| field.as_str())).map_err(|error| failed(&error))?;
    for row in rows {
        writer.write_record(row.into_iter().map(formula::quoted)).map_err(|error| failed(&error))?;
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
