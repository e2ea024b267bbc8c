//! What leaves the installation: checkpoints, and exports that are verified without it (AUD-3).

use std::path::PathBuf;

use ringfort::{
    model::{
        profile::Profile,
        seal::{Flaw, Line, Seal},
    },
    server::{
        boot::{
            audit as command,
            config::{Checkpoints, Recipients},
        },
        jobs::worker,
        services::seal::{
            chain,
            checkpoint::FILE,
            export, file,
            verify::{Asked, verify},
        },
        vault::{PublicKeys, Secret},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{entries, head, is_sound, names, sealed, start, tamper, verified};
use crate::kit::{Business, TestApp, sql};

async fn start_sending(allow: Vec<String>, checkpoints: Checkpoints) -> (TestApp, Business) {
    let app = TestApp::start_sending(allow, checkpoints).await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

/// What the clock does, and the jobs that come of it.
async fn tick(app: &TestApp) {
    worker::minute(&app.app).await.expect("housekeeping");
    app.run_jobs().await;
}

async fn keys(app: &TestApp) -> PublicKeys {
    app.app.vault().audit_public_keys(app.app.db()).await.expect("keys")
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ringfort-it-{name}-{}", std::process::id()))
}

/// A checkpoint that is good by itself.
async fn read(app: &TestApp, line: &str) -> Seal {
    let Line::Checkpoint(seal) = serde_json::from_str(line).expect("a line of ours") else {
        panic!("no checkpoint: {line}");
    };
    assert!(chain::is_signed(&seal, &keys(app).await), "{line}");
    assert!(seal.leaves.is_empty());
    seal
}

#[tokio::test]
async fn aud_3_checkpoints_go_to_a_file_once_an_interval_and_only_when_there_is_something_new() {
    let folder = folder("checkpoints");
    let _ = std::fs::remove_dir_all(&folder);
    let (app, a) =
        start_sending(Vec::new(), Checkpoints { folder: Some(folder.clone()), ..Checkpoints::default() }).await;
    let lines = || std::fs::read_to_string(folder.join(FILE)).unwrap_or_default().lines().count();
    tick(&app).await;
    assert_eq!(lines(), 0, "nothing is sealed yet");
    sealed(&app, &a, 2).await;
    for _ in 0..3 {
        tick(&app).await;
        assert_eq!(lines(), 1);
    }
    let first = head(&app, &a).await;
    sealed(&app, &a, 1).await;
    tick(&app).await;
    assert_eq!(lines(), 1, "not before the interval is over");
    app.clock.advance(3600);
    tick(&app).await;
    assert_eq!(lines(), 2);
    app.clock.advance(3600);
    tick(&app).await;
    // What the retention run wrote meanwhile may have been sealed by nobody: nothing is new.
    assert_eq!(lines(), 2);
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path).expect("a file");
    let mut sent = Vec::new();
    for line in text.lines() {
        sent.push(read(&app, line).await);
    }
    assert_eq!((sent[0].hash, sent[1].seq), (first.hash, 3));
    let noted = "select string_agg(way || ' ' || seq, ',' order by sent_at) from audit_checkpoints";
    assert_eq!(sql::text(&app.owner, noted).await, "file 2,file 3");
    // They agree, by the command as by the service; and when what they saw is gone, they tell.
    let id = a.id.to_string();
    let span = command::Span { from: None, until: None };
    assert!(command::verify(&app.app, Some(&id), span, Some(path.as_path())).await.expect("goes through"));
    let checkpoints = file::checkpoints(text.as_bytes()).expect("lines of ours");
    let report = verified(&app, &a, &Asked { checkpoints, ..Asked::default() }).await;
    is_sound(&report);
    assert_eq!(report.checkpoints, 4, "the file's two, and the two that the database remembers");
    let gone = "delete from audit_entries where id in (select last_id from audit_seals where seq = 3)";
    tamper(&app, gone).await;
    assert!(!command::verify(&app.app, Some(&id), span, Some(path.as_path())).await.expect("goes through"));
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn aud_3_what_was_sent_is_remembered_inside_too() {
    let folder = folder("remembered");
    let (app, a) =
        start_sending(Vec::new(), Checkpoints { folder: Some(folder.clone()), ..Checkpoints::default() }).await;
    sealed(&app, &a, 2).await;
    tick(&app).await;
    let all = entries(&app, &a).await;
    let outside = head(&app, &a).await;
    // Cut off by somebody who forgot what stands in the next table.
    tamper(
        &app,
        &format!(
            "delete from audit_seals where seq > 1; delete from audit_pending;
             delete from audit_entries where xid >= '{}'",
            outside.first.xid
        ),
    )
    .await;
    assert!(all.len() >= 6);
    let report = super::verify(&app, &a).await;
    assert_eq!(super::found(&report).flaw, Flaw::ChainCut);
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn aud_3_checkpoints_are_mailed_to_the_owners() {
    let (app, a) =
        start_sending(Vec::new(), Checkpoints { mail: Some(Recipients::Owners), ..Checkpoints::default() }).await;
    sealed(&app, &a, 1).await;
    tick(&app).await;
    let mails: Vec<String> = std::fs::read_dir(app.app.mailer().folder().expect("a folder"))
        .expect("is read")
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"))
        .filter(|mail| mail.contains("A checkpoint of your audit log"))
        .collect();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("owner@a.example"), "{}", mails[0]);
    assert_eq!(
        sql::text(&app.owner, "select way || ' ' || place || ' ' || seq from audit_checkpoints").await,
        "mail mail 1"
    );
}

/// A server that answers each request as it is told, and hands over what it got.
async fn serve(listener: TcpListener, answers: Vec<&'static str>) -> Vec<String> {
    let mut got = Vec::new();
    for answer in answers {
        let (mut stream, _) = listener.accept().await.expect("somebody calls");
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&request).into_owned();
            let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                length.is_some_and(|length: usize| body.len() >= length)
            });
            if whole {
                got.push(text);
                break;
            }
            let read = stream.read(&mut buffer).await.expect("reads");
            assert!(read > 0, "hung up in the middle: {text}");
            request.extend_from_slice(&buffer[..read]);
        }
        let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("answers");
    }
    got
}

#[tokio::test]
async fn aud_3_checkpoints_are_posted_until_they_are_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let checkpoints = Checkpoints {
        url: Some(format!("http://{address}/ringfort?secret=way")),
        token: Some(Secret::new("tok_123".to_owned())),
        ..Checkpoints::default()
    };
    let (app, a) = start_sending(vec![address.clone()], checkpoints).await;
    sealed(&app, &a, 1).await;
    let server = tokio::spawn(serve(listener, vec!["503 Service Unavailable", "204 No Content"]));
    tick(&app).await;
    let got = server.await.expect("serves");
    assert_eq!(got.len(), 2, "tried again");
    let (head, body) = got[1].split_once("\r\n\r\n").expect("a request");
    assert!(head.starts_with("POST /ringfort?secret=way HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer tok_123"), "{head}");
    assert_eq!(read(&app, body).await.seq, 1);
    let noted = sql::text(&app.owner, "select way || ' ' || place from audit_checkpoints").await;
    assert_eq!(noted, format!("http http://{address}"), "nothing of the path, which may be a secret");
    assert_eq!(sql::count(&app.owner, "select count(*) from jobs where kind = 'audit.checkpoint'").await, 0);
}

#[tokio::test]
async fn aud_3_an_export_is_verified_by_the_public_key_alone() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    sealed(&app, &a, 2).await;
    sealed(&app, &b, 1).await;
    let mut out: Vec<u8> = Vec::new();
    let written = export::export(&app.app, &app.machine(a.id), None, None, &mut out).await.expect("writes");
    assert_eq!((written.seals, written.entries), (2, 6));
    let text = String::from_utf8(out).expect("text");
    let reports = file::verify(text.as_bytes(), &keys(&app).await, false, &[]).expect("lines of ours");
    assert_eq!(reports.keys().collect::<Vec<_>>(), [&a.id], "of one business alone");
    is_sound(&reports[&a.id]);
    assert_eq!(reports[&a.id].entries, 6);
    // A word that is changed in it, and an entry that is taken out of it.
    let victim = entries(&app, &a).await[4];
    let of_victim = |line: &&str| line.contains("entry/1") && line.contains(&victim.to_string());
    let line = text.lines().find(of_victim).expect("its line");
    let changed = text.replace(line, &line.replace("number 1", "number 9"));
    let report = &file::verify(changed.as_bytes(), &keys(&app).await, false, &[]).expect("lines of ours")[&a.id];
    names(report, Flaw::EntryChanged, victim);
    let shorter = text.replace(line, "");
    let report = &file::verify(shorter.as_bytes(), &keys(&app).await, false, &[]).expect("lines of ours")[&a.id];
    names(report, Flaw::EntryGone, victim);
    let outside = [head(&app, &a).await.checkpoint()];
    let report = &file::verify(text.as_bytes(), &keys(&app).await, false, &outside).expect("lines of ours")[&a.id];
    assert_eq!(report.checkpoints, 1);
    // Exporting is itself an entry.
    let told = "select after ->> 'entries' from audit_entries where action = 'audit.seals_exported'";
    assert_eq!(sql::text(&app.owner, told).await, "6");
}

#[tokio::test]
async fn aud_3_only_who_may_read_the_log_goes_through_it() {
    let (app, a) = start().await;
    sealed(&app, &a, 1).await;
    let agent = a.member(ringfort::model::permission::Role::Agent);
    let mut caller = app.machine(a.id);
    let grants = agent.role.grants();
    caller.actor = ringfort::server::caller::Actor::Member { member: agent.id, user: agent.user, grants };
    assert!(verify(&app.app, &caller, &Asked::default()).await.is_err());
    assert!(export::export(&app.app, &caller, None, None, &mut Vec::<u8>::new()).await.is_err());
    let refused = "select count(*) from audit_entries where action in ('audit.verified', 'audit.seals_exported')
                   and result = 'refused'";
    assert_eq!(sql::count(&app.owner, refused).await, 2);
}
