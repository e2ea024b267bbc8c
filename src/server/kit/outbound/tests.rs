use super::*;

fn outbound() -> Outbound {
    let overrides = HashMap::from([("twilio".to_owned(), "http://127.0.0.1:9/".to_owned())]);
    Outbound::new(vec!["127.0.0.1:9".into(), "LOCALHOST:9".into(), "10.0.0.1:9".into()], overrides).expect("a client")
}

#[tokio::test]
async fn only_https_and_only_public_or_listed() {
    let outbound = outbound();
    for good in ["https://api.example.com/x", "http://127.0.0.1:9/x", "http://localhost:9/", "https://8.8.8.8/"] {
        assert!(outbound.admit(good).is_ok(), "{good}");
    }
    let bad = [
        "http://api.example.com/x",
        "ftp://127.0.0.1:9/",
        "https://user@api.example.com/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "http://127.0.0.1:10/",
        "http://10.0.0.1:9/",
        "not an address",
    ];
    for bad in bad {
        assert_eq!(outbound.admit(bad).err(), Some(OutboundError::Forbidden), "{bad}");
    }
}

#[tokio::test]
async fn a_name_of_an_inner_address_is_forbidden_at_connect() {
    let answer = outbound().get_json("https://localhost:1/", Login::Nobody).await;
    assert_eq!(answer.err(), Some(OutboundError::Forbidden));
}

#[tokio::test]
async fn a_connection_is_checked_as_a_call_is() {
    let outbound = outbound();
    let inner = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost"];
    for host in inner {
        let host = Host::parse(host).expect("a host");
        assert_eq!(outbound.connect(&host, 1).await.err(), Some(OutboundError::Forbidden), "{host}");
    }
    // Listed, and nobody is there; the third is listed and not this machine.
    let loopback = Host::parse("127.0.0.1").expect("a host");
    assert_eq!(outbound.connect(&loopback, 9).await.err(), Some(OutboundError::Unreachable));
    let private = Host::parse("10.0.0.1").expect("a host");
    assert_eq!(outbound.connect(&private, 9).await.err(), Some(OutboundError::Forbidden));
}

#[tokio::test]
async fn an_override_has_no_slash_at_its_end() {
    assert_eq!(outbound().override_for("twilio"), Some("http://127.0.0.1:9"));
    assert_eq!(outbound().override_for("nowcerts"), None);
}
