//! The bell: once for each incident that is new to this session, and never for what lies behind it.

use crate::engine::snapshot::Snapshot;
use crate::model::{Incident, IncidentId};

/// See the file's head.
#[derive(Debug, Default)]
pub struct Alarm {
    /// The newest incident that this session knows; `None` before its first look, which rings for nothing.
    known: Option<IncidentId>,
    /// Whether the bell is silent.
    pub muted: bool,
}

impl Alarm {
    /// The incidents that are open and new to this session, the newest first.
    pub fn news<'a>(&mut self, snapshot: &'a Snapshot) -> Vec<&'a Incident> {
        let newest = snapshot.incidents.iter().map(|incident| incident.id).max();
        let before =
            self.known.replace(newest.unwrap_or(IncidentId(0)).max(self.known.unwrap_or(IncidentId(0))));
        let Some(before) = before else { return Vec::new() };
        snapshot.incidents.iter().filter(|incident| incident.id > before && incident.is_open()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeviceId, Timestamp};

    fn snapshot(open: &[u64]) -> Snapshot {
        let incident = |id: &u64| Incident {
            id: IncidentId(*id),
            root: DeviceId(1),
            name: "core-1".parse().unwrap(),
            since: Timestamp(0),
            opened: Timestamp(0),
            closed: None,
            ending: None,
            cause: "no answer".into(),
            behind: Vec::new(),
            most_behind: 0,
            times_down: 1,
            before: Vec::new(),
            acknowledged: None,
            assigned: None,
            comments: Vec::new(),
            been_behind: None,
            lasted: None,
        };
        Snapshot { incidents: open.iter().map(incident).collect(), ..Snapshot::default() }
    }

    #[test]
    fn each_incident_is_news_once_and_those_of_before_are_none() {
        let mut alarm = Alarm::default();
        let news = |alarm: &mut Alarm, open: &[u64]| -> Vec<u64> {
            alarm.news(&snapshot(open)).iter().map(|incident| incident.id.0).collect()
        };
        assert_eq!(news(&mut alarm, &[3]), [] as [u64; 0], "it was open when the session began");
        assert_eq!(news(&mut alarm, &[4, 3]), [4]);
        assert_eq!(news(&mut alarm, &[4, 3]), [] as [u64; 0]);
        assert_eq!(news(&mut alarm, &[]), [] as [u64; 0]);
        assert_eq!(news(&mut alarm, &[5]), [5]);
    }
}
