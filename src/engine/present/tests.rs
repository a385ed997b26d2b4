use super::*;
use crate::engine::fields::blank;
use crate::model::{Run, TransportKind};

const HOUR: Duration = Duration::from_secs(3600);

fn managed(id: u64, name: &str) -> Device {
    let mut device = blank(DeviceId(id), name.parse().unwrap(), "127.0.0.1".parse().unwrap(), Timestamp(0));
    device.transport = Some(TransportKind::Ssh);
    device
}

fn status(id: u64, at: i64, status: RunStatus, revision: Option<u32>) -> Arc<DeviceStatus> {
    let run = Run {
        device: DeviceId(id),
        at: Timestamp(at),
        millis: 1,
        status,
        revision,
        bytes: 0,
        failure: None,
        recording: None,
        by: "test".into(),
    };
    Arc::new(DeviceStatus { last_run: Some(Arc::new(run)), ..DeviceStatus::of(DeviceId(id)) })
}

fn present() -> Present {
    let devices = vec![managed(1, "b"), managed(2, "a"), managed(3, "c")];
    Present::load(devices, Vec::new(), Vec::new(), HOUR, Timestamp(0))
}

#[test]
fn rows_come_by_name_and_only_what_changed_gets_a_new_version() {
    let mut present = present();
    let first = present.picture(Timestamp(0));
    assert!(first.devices.iter().map(|row| row.device.name.as_str()).eq(["a", "b", "c"]));
    assert!(!present.is_stirred());

    present.put_status(status(1, 0, RunStatus::Changed, Some(1)), Timestamp(0));
    assert!(present.is_stirred());
    let second = present.picture(Timestamp(1));
    assert_eq!(second.versions.jobs, first.versions.jobs);
    assert!(Arc::ptr_eq(&first.jobs, &second.jobs));
    assert_eq!(second.devices[1].state, BackupState::Good);
    assert_eq!(second.totals.never, 2);
}

#[test]
fn time_alone_makes_a_device_late() {
    let mut present = present();
    present.put_status(status(1, 0, RunStatus::Unchanged, Some(1)), Timestamp(0));
    present.picture(Timestamp(0));
    present.pass_time(Timestamp(3_600_000));
    assert!(!present.is_stirred());
    present.pass_time(Timestamp(3_600_001));
    assert_eq!(present.picture(Timestamp(3_600_001)).totals.late, 1);
}

#[test]
fn a_failed_run_with_a_revision_is_suspect_and_without_one_failed() {
    let mut present = present();
    present.put_status(status(1, 0, RunStatus::Failed, Some(3)), Timestamp(0));
    present.put_status(status(2, 0, RunStatus::Failed, None), Timestamp(0));
    let totals = present.picture(Timestamp(0)).totals;
    assert_eq!((totals.suspect, totals.failed, totals.never), (1, 1, 1));
}

#[test]
fn one_session_per_device() {
    let mut present = present();
    assert!(present.begin_session(DeviceId(1), Timestamp(0)));
    assert!(!present.begin_session(DeviceId(1), Timestamp(0)));
    assert_eq!(present.picture(Timestamp(0)).totals.running, 1);
    present.end_session(DeviceId(1), Timestamp(0));
    assert!(present.begin_session(DeviceId(1), Timestamp(0)));
}

#[test]
fn a_name_is_free_again_once_its_device_is_deleted() {
    let mut present = present();
    let mut gone = managed(1, "b");
    gone.deleted = Some(Timestamp(5));
    present.put_device(Arc::new(gone), Timestamp(5));
    assert!(present.living(&"b".parse().unwrap()).is_none());
    assert_eq!(present.next_device(), DeviceId(4));
    assert_eq!(present.picture(Timestamp(5)).devices.len(), 3);
}

#[test]
fn a_job_moves_on_and_old_ones_are_forgotten() {
    let mut present = present();
    let job = present.begin_job("backup run".into(), "ann".into(), Timestamp(0), &[DeviceId(1), DeviceId(2)]);
    present.picture(Timestamp(0));
    present.set_stage(job, 1, Stage::At("login".into()));
    let picture = present.picture(Timestamp(0));
    assert_eq!(picture.jobs[0].tasks[1].stage, Stage::At("login".into()));
    assert_eq!(picture.jobs[0].tasks[0].stage, Stage::Queued);
    present.end_job(job, Timestamp(1));
    for _ in 0..JOBS {
        present.begin_job(String::new(), String::new(), Timestamp(2), &[]);
    }
    assert!(present.picture(Timestamp(2)).jobs.iter().all(|known| known.id != job));
}
