use super::*;
use crate::server::mail::smtp::Security;

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

/// The variable that a configuration fails at.
fn fault(pairs: &[(&str, &str)]) -> Option<&'static str> {
    read(pairs).err().map(|error| error.variable)
}

#[test]
fn nothing_set_is_a_private_installation_on_this_machine() {
    let config = read(&[]).expect("the defaults are right");
    assert_eq!(config.public_url, "http://127.0.0.1:3000");
    assert_eq!(config.master_key_file, PathBuf::from("var/keys/master.key"));
    assert!(matches!(config.database, Database::Private));
    assert!(config.outbound_allow.is_empty() && config.trusted_proxies.is_empty());
    assert!(!config.pgbouncer && !config.demo);
}

#[test]
fn empty_is_not_set() {
    let config = read(&[("RINGFORT_DATA", " "), ("DATABASE_URL", "")]).expect("as if unset");
    assert_eq!(config.data_dir, PathBuf::from("var"));
    assert!(matches!(config.database, Database::Private));
}

#[test]
fn the_public_url_is_an_origin_and_safe() {
    for (good, origin) in [
        ("https://calls.example.com", "https://calls.example.com"),
        ("https://calls.example.com:443/", "https://calls.example.com"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ] {
        let config = read(&[("RINGFORT_PUBLIC_URL", good)]).expect("good");
        assert_eq!(config.public_url, origin, "{good}");
    }
    for bad in [
        "http://calls.example.com",
        "https://calls.example.com/app",
        "https://calls.example.com/?a",
        "https://user@calls.example.com",
        "ftp://localhost",
        "calls.example.com",
    ] {
        assert_eq!(fault(&[("RINGFORT_PUBLIC_URL", bad)]), Some("RINGFORT_PUBLIC_URL"), "{bad}");
    }
    // Listening to everybody without saying under which name would make plain http the public address.
    assert_eq!(fault(&[("RINGFORT_LISTEN", "0.0.0.0:3000")]), Some("RINGFORT_PUBLIC_URL"));
}

#[test]
fn an_external_database_needs_both_roles() {
    let app = ("DATABASE_URL", "postgres://app:hunter2@db/ringfort");
    let worker = ("WORKER_DATABASE_URL", "postgres://worker:hunter2@db/ringfort");
    assert_eq!(fault(&[app]), Some("WORKER_DATABASE_URL"));
    assert_eq!(fault(&[worker]), Some("DATABASE_URL"));
    assert_eq!(fault(&[("DATABASE_URL", "mysql://db"), worker]), Some("DATABASE_URL"));
    let config = read(&[app, worker]).expect("two are enough");
    assert!(matches!(config.database, Database::External { owner: None, operator: None, .. }));
    let operator = ("OPERATOR_DATABASE_URL", "postgres://operator:hunter2@db/ringfort");
    assert_eq!(fault(&[operator]), Some("DATABASE_URL"));
    let config = read(&[app, worker, operator]).expect("three are fine");
    assert!(matches!(config.database, Database::External { operator: Some(_), .. }));
}

#[test]
fn mail_is_never_sent_in_clear() {
    for (good, security, host, port) in [
        ("smtps://u:p@mail.example.com", Security::Implicit, "mail.example.com", 465),
        ("smtps://127.0.0.1:2465", Security::Implicit, "127.0.0.1", 2465),
        ("smtp://mail.example.com?tls=required", Security::StartTls, "mail.example.com", 587),
        ("smtp://localhost:2525?tls=required", Security::StartTls, "localhost", 2525),
        ("smtp://127.0.0.1", Security::Plain, "127.0.0.1", 25),
    ] {
        let smtp = read(&[("RINGFORT_SMTP_URL", good)]).expect("good").smtp.expect("there is one");
        assert_eq!((smtp.security, smtp.host.as_str(), smtp.port), (security, host, port), "{good}");
    }
    for bad in [
        "smtp://mail.example.com",
        "smtp://mail.example.com?tls=opportunistic",
        "smtp://mail.example.com?tls=opportunistic&tls=required",
        "smtp://mail.example.com?tls=required&tls=opportunistic",
        "smtps://mail.example.com?verify=no",
        "smtp://127.0.0.1.example.com",
        "smtps://[::1]",
        "smtps:mail",
        "https://mail.example.com",
        "x",
    ] {
        assert_eq!(fault(&[("RINGFORT_SMTP_URL", bad)]), Some("RINGFORT_SMTP_URL"), "{bad}");
    }
    assert_eq!(fault(&[("RINGFORT_MAIL_FROM", "nobody")]), Some("RINGFORT_MAIL_FROM"));
}

#[test]
fn who_vouches_for_the_mail_server_is_a_certificate_and_vouches_for_something() {
    let server = ("RINGFORT_SMTP_URL", "smtps://mail.example.com");
    let ca = |path| ("RINGFORT_SMTP_CA", path);
    let good = ca("tests/vectors/authority.pem");
    assert!(read(&[server, good]).expect("good").smtp.is_some_and(|smtp| smtp.authority.is_some()));
    assert!(read(&[server]).expect("good").smtp.is_some_and(|smtp| smtp.authority.is_none()));
    let in_clear = ("RINGFORT_SMTP_URL", "smtp://127.0.0.1:2525");
    let files = ["/nowhere/at/all", "Cargo.toml", "src"];
    for (server, bad) in files.map(|path| (server, ca(path))).into_iter().chain([(in_clear, good)]) {
        assert_eq!(fault(&[server, bad]), Some("RINGFORT_SMTP_CA"), "{bad:?}");
    }
    assert_eq!(fault(&[good]), Some("RINGFORT_SMTP_CA"), "without a server");
}

#[test]
fn lists_are_read_and_checked() {
    let config = read(&[
        ("RINGFORT_OUTBOUND_ALLOW", "127.0.0.1:4010, localhost:4011"),
        ("RINGFORT_OUTBOUND_OVERRIDE", "twilio=http://127.0.0.1:4010,nowcerts=http://127.0.0.1:4011"),
        ("RINGFORT_TEXT_PREFIXES", "+1, +44"),
        ("RINGFORT_TEXTS_PER_DAY", "0"),
        ("RINGFORT_TRUSTED_PROXIES", "10.0.0.5, ::1"),
        ("RINGFORT_PGBOUNCER", "yes"),
    ])
    .expect("good");
    assert_eq!(config.outbound_allow, ["127.0.0.1:4010", "localhost:4011"]);
    assert_eq!(config.outbound_overrides["nowcerts"], "http://127.0.0.1:4011");
    assert_eq!(config.text_prefixes.to_string(), "+1 (United States and Canada), +44");
    assert_eq!(config.texts_per_day, 0);
    assert_eq!(config.trusted_proxies.len(), 2);
    assert!(config.pgbouncer);
    for (name, bad) in [
        ("RINGFORT_OUTBOUND_ALLOW", "127.0.0.1"),
        ("RINGFORT_OUTBOUND_OVERRIDE", "twilio"),
        ("RINGFORT_OUTBOUND_OVERRIDE", "twilio=127.0.0.1"),
        ("RINGFORT_TEXT_PREFIXES", "all"),
        ("RINGFORT_TEXTS_PER_DAY", "-1"),
        ("RINGFORT_AUDIT_EXPORT_MAX", "0"),
        ("RINGFORT_TRUSTED_PROXIES", "proxy.example.com"),
        ("RINGFORT_PGBOUNCER", "perhaps"),
        ("RINGFORT_LISTEN", "3000"),
        ("RINGFORT_METRICS_LISTEN", "127.0.0.1:3000"),
    ] {
        assert_eq!(fault(&[(name, bad)]), Some(name), "{bad}");
    }
}

#[test]
fn a_provider_of_identities_is_whole_and_safe() {
    let (id, secret) = (("RINGFORT_OIDC_CLIENT_ID", "ours"), ("RINGFORT_OIDC_CLIENT_SECRET", "canary"));
    let oidc = read(&[id, secret]).expect("good").oidc.expect("there is one");
    assert_eq!((oidc.issuer.as_str(), oidc.name.as_str()), ("https://accounts.google.com", "Google"));
    assert!(!format!("{oidc:?}").contains("canary"));
    assert!(read(&[]).expect("good").oidc.is_none());
    assert_eq!(fault(&[id]), Some("RINGFORT_OIDC_CLIENT_SECRET"));
    assert_eq!(fault(&[secret]), Some("RINGFORT_OIDC_CLIENT_ID"));
    let file = ("RINGFORT_OIDC_CLIENT_SECRET_FILE", "/nowhere/at/all");
    assert_eq!(fault(&[id, file]), Some("RINGFORT_OIDC_CLIENT_SECRET_FILE"));
    for good in ["https://id.example.com/realms/one", "https://id.example.com/", "http://localhost:4011"] {
        let kept = read(&[id, secret, ("RINGFORT_OIDC_ISSUER", good)]).expect("good").oidc.expect("there is one");
        assert_eq!(kept.issuer, good, "letter by letter");
    }
    for bad in ["http://id.example.com", "id.example.com", "https://id.example.com/?a", "https://me@id.example.com"] {
        assert_eq!(fault(&[id, secret, ("RINGFORT_OIDC_ISSUER", bad)]), Some("RINGFORT_OIDC_ISSUER"), "{bad}");
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let config = read(&[
        ("DATABASE_URL", "postgres://app:canary@db/ringfort"),
        ("WORKER_DATABASE_URL", "postgres://worker:canary@db/ringfort"),
        ("OWNER_DATABASE_URL", "postgres://owner:canary@db/ringfort"),
        ("RINGFORT_MASTER_KEY", "canary"),
        ("RINGFORT_SMTP_URL", "smtps://u:canary@mail.example.com"),
    ])
    .expect("good");
    assert!(!format!("{config:?}").contains("canary"));
    let error = read(&[("DATABASE_URL", "canary")]).expect_err("no PostgreSQL address");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn checkpoints_are_sent_nowhere_until_a_way_is_set() {
    let off = read(&[("RINGFORT_CHECKPOINT_SECONDS", "60")]).expect("good");
    assert!(off.checkpoints.is_off() && off.checkpoints.seconds == 60);
    for (variable, value) in [
        ("RINGFORT_CHECKPOINT_DIR", "/mnt/evidence"),
        ("RINGFORT_CHECKPOINT_MAIL", "owners"),
        ("RINGFORT_CHECKPOINT_MAIL", "Audit@Example.com"),
        ("RINGFORT_CHECKPOINT_URL", "https://log.example.com/ringfort"),
    ] {
        let checkpoints = read(&[(variable, value)]).expect("good").checkpoints;
        assert!(!checkpoints.is_off() && checkpoints.seconds == 3600, "{variable}");
    }
    for (variable, value) in [
        ("RINGFORT_CHECKPOINT_MAIL", "somebody"),
        ("RINGFORT_CHECKPOINT_URL", "log.example.com"),
        ("RINGFORT_CHECKPOINT_URL", "https://user:secret@log.example.com"),
        ("RINGFORT_CHECKPOINT_SECONDS", "59"),
        ("RINGFORT_CHECKPOINT_SECONDS", "an hour"),
    ] {
        assert_eq!(fault(&[(variable, value)]), Some(variable), "{value}");
    }
}

#[test]
fn nats_is_spoken_to_in_clear_on_this_machine_alone_and_in_one_way() {
    assert!(read(&[]).expect("good").nats.is_none());
    let here = ("RINGFORT_NATS_URL", "nats://127.0.0.1:4222, nats://localhost:4223");
    let nats = read(&[here]).expect("good").nats.expect("there is NATS");
    assert_eq!((nats.servers.len(), nats.is_tls), (2, false));
    let there = ("RINGFORT_NATS_URL", "tls://nats.example.com:4222");
    let (user, password) = (("RINGFORT_NATS_USER", "ringfort"), ("RINGFORT_NATS_PASSWORD", "hunter2"));
    let nats = read(&[there, user, password]).expect("good").nats.expect("there is NATS");
    assert!(nats.is_tls && !format!("{nats:?}").contains("hunter2"));
    let ca = ("RINGFORT_NATS_CA", "tests/vectors/tls/ca.pem");
    assert!(read(&[there, ca]).expect("good").nats.expect("there is NATS").authority.is_some());
    for bad in [
        "nats://nats.example.com:4222",
        "tls://user:secret@nats.example.com",
        "nats://127.0.0.1:4222,tls://nats.example.com",
        "tls://nats.example.com/subject",
        "http://127.0.0.1:4222",
        "nats.example.com",
    ] {
        assert_eq!(fault(&[("RINGFORT_NATS_URL", bad)]), Some("RINGFORT_NATS_URL"), "{bad}");
    }
    assert_eq!(fault(&[here, ca]), Some("RINGFORT_NATS_CA"));
    assert_eq!(fault(&[there, user]), Some("RINGFORT_NATS_PASSWORD"));
    assert_eq!(fault(&[there, password]), Some("RINGFORT_NATS_USER"));
    let token = ("RINGFORT_NATS_TOKEN", "abc");
    assert_eq!(fault(&[there, user, password, token]), Some("RINGFORT_NATS_CREDENTIALS"));
    assert_eq!(fault(&[token]), Some("RINGFORT_NATS_TOKEN"));
}

#[test]
fn tiles_come_by_https_from_one_origin_that_says_whose_they_are() {
    let whose = ("RINGFORT_MAP_ATTRIBUTION", "© Example");
    let good = ("RINGFORT_MAP_TILES", "https://tiles.example.com:8443/{z}/{x}/{y}.png?key=abc");
    let tiles = read(&[good, whose]).expect("good").map_tiles.expect("there are tiles");
    assert_eq!((tiles.origin.as_str(), tiles.template.as_str()), ("https://tiles.example.com:8443", good.1));
    assert!(read(&[]).expect("good").map_tiles.is_none());
    assert_eq!(fault(&[good]), Some("RINGFORT_MAP_ATTRIBUTION"));
    assert_eq!(fault(&[whose]), Some("RINGFORT_MAP_ATTRIBUTION"));
    for bad in [
        "http://tiles.example.com/{z}/{x}/{y}.png",
        "https://{s}.tiles.example.com/{z}/{x}/{y}.png",
        "https://user:secret@tiles.example.com/{z}/{x}/{y}.png",
        "https://tiles.example.com/{z}/{x}.png",
        "/tiles/{z}/{x}/{y}.png",
    ] {
        assert_eq!(fault(&[("RINGFORT_MAP_TILES", bad), whose]), Some("RINGFORT_MAP_TILES"), "{bad}");
    }
}
