//! The engine's own series: opened when the pulse starts, or when somebody asks for the past.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Availability, History, Keeping, Series};
use crate::engine::error::ActError;
use crate::engine::query::PastOf;
use crate::engine::start::{Engine, lock};
use crate::engine::store_watch;
use crate::model::{DeviceId, Timestamp};
use crate::store::series::FOLDER;
use crate::store::{Finding, StoreError, VerifyReport};

/// A device's past, for a screen.
#[derive(Clone, Debug)]
pub struct DeviceHistory {
    /// The period's begin.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// What was heard.
    pub history: History,
    /// How it stood.
    pub availability: Availability,
}

impl Engine {
    /// The samples of the pulse, opened where they are not yet. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn series(self: &Arc<Self>) -> Result<Arc<Series>, ActError> {
        let mut known = lock(&self.series);
        if let Some(series) = known.as_ref() {
            return Ok(Arc::clone(series));
        }
        let pulse = &self.settings().pulse;
        let keeping = Keeping { samples: pulse.keep_samples, rows: pulse.keep_rows };
        let (tell, told) = mpsc::unbounded_channel();
        let opened = Series::open(&self.data_dir().join(FOLDER), keeping, self.options.clock.clone(), tell);
        let series =
            Arc::new(opened.map_err(|error| ActError::storage("opening the pulse's samples", error))?);
        let notes = tokio::spawn(store_watch::tell_notes(told, Arc::downgrade(self)));
        lock(&self.workers).push(notes);
        *known = Some(Arc::clone(&series));
        Ok(series)
    }

    /// Writes what the pulse has heard and ends the keeping.
    pub(in crate::engine) async fn close_series(&self) {
        let series = lock(&self.series).take();
        if let Some(series) = series {
            let _ = tokio::task::spawn_blocking(move || series.close()).await;
        }
    }

    /// Reads the whole store and the samples of the pulse, and checks them against their checksums. Blocks.
    ///
    /// # Errors
    /// The store cannot be read at all.
    pub fn verify_store(self: &Arc<Self>) -> Result<VerifyReport, StoreError> {
        let mut report = crate::store::verify(&self.store)?;
        if !self.data_dir().join(FOLDER).exists() {
            return Ok(report);
        }
        let checked = self.series().map(|series| series.verify());
        let damaged = match checked {
            Ok(Ok((whole, damaged))) => {
                report.sample_blocks = whole;
                damaged
            }
            Ok(Err(error)) => vec![error.to_string()],
            Err(error) => vec![error.message],
        };
        let advice =
            "restore the file from a backup of the store, or leave it: what is lost is shown as unknown";
        let finding = |what| Finding { what, advice: advice.to_owned() };
        report.findings.extend(damaged.into_iter().map(finding));
        Ok(report)
    }

    /// What was heard of a device within a period, and how it stood.
    ///
    /// # Errors
    /// When the samples cannot be read.
    pub async fn pulse_history(self: &Arc<Self>, past: PastOf) -> Result<DeviceHistory, ActError> {
        let series = self.series()?;
        self.aside(move |_| {
            let failed = |error| ActError::storage("reading the pulse's samples", error);
            let PastOf { device, from, until, points } = past;
            Ok(DeviceHistory {
                from,
                until,
                history: series.history(device, from, until, points).map_err(failed)?,
                availability: series.availability(device, from, until).map_err(failed)?,
            })
        })
        .await
    }

    /// How devices stood within a period, in their order.
    ///
    /// # Errors
    /// When the log of states cannot be read.
    pub async fn availabilities(
        self: &Arc<Self>,
        devices: Vec<DeviceId>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Availability>, ActError> {
        let series = self.series()?;
        self.aside(move |_| {
            let read = series.availabilities(&devices, from, until);
            read.map_err(|error| ActError::storage("reading the log of states", error))
        })
        .await
    }
}
