//! A link of the demo is cut: one incident that names the cause, with what lies behind; it ends when the link is whole.

use noctule::commands::Exit;
use noctule::model::Ending;
use noctule::server::DemoNetwork;

use crate::command_fixture::Shell;
use crate::wire::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_in_the_demo_is_one_incident_that_ends_with_the_mending() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = DemoNetwork::start(folder.path()).await.unwrap();
    let engine = demo.engine().clone();
    let mut shell = Shell::over(&engine);
    assert_eq!(
        shell.run("lab cut campus-fw-1").await.0,
        Exit::Failed,
        "as far as this shell knows, it is real"
    );
    shell.links = Some(demo.links().clone());
    let before = until(&engine, "one device is down, the others are up", |now| {
        now.pulse.totals.down == 1 && now.pulse.totals.unknown == 0 && now.incidents.len() == 1
    })
    .await;
    assert_eq!(before.incidents[0].name.as_str(), "pop-harbour-sw");

    assert_eq!(shell.run("lab cut campus-fw-1").await.0, Exit::Done);
    let cut = until(&engine, "eleven behind one root", |now| {
        now.incidents.iter().any(|one| one.name.as_str() == "campus-fw-1" && one.behind.len() == 11)
    })
    .await;
    assert_eq!(cut.incidents.iter().filter(|one| one.is_open()).count(), 2, "{:?}", cut.incidents);
    let (exit, told) = shell.run("pulse check campus-lib-1 --for 1").await;
    assert_eq!(exit, Exit::Failed, "a check sees the same network: {:?}", told.lines);

    assert_eq!(shell.run("lab mend campus-fw-1").await.0, Exit::Done);
    let mended = until(&engine, "it is over, and all that hung behind is up", |now| {
        let incident = now.incidents.iter().find(|one| one.name.as_str() == "campus-fw-1");
        incident.is_some_and(|one| !one.is_open()) && now.pulse.totals.down == 1
    })
    .await;
    let over = mended.incidents.iter().find(|one| one.name.as_str() == "campus-fw-1").unwrap();
    assert_eq!((over.ending.clone(), over.most_behind), (Some(Ending::Recovered), 11));
    assert_eq!(mended.incidents.len(), 2);
    demo.stop().await;
}
