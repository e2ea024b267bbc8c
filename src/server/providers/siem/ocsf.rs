//! Open Cybersecurity Schema Framework, version 1.3.0. Signing in and out is Authentication (3002); passwords, locks and
//! second factors are Account Change (3001); everything else is API Activity (6003), by what its verb does, or Other. What
//! the schema has no attribute for stands under `unmapped`, as the schema wants it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Event, PRODUCT, Severity, VERSION, json::ascii};

/// Of the schema.
const SCHEMA: &str = "1.3.0";

/// What kind of event it is.
struct Class {
    category: (i64, &'static str),
    uid: i64,
    name: &'static str,
    activity: (i64, &'static str),
}

const fn iam(uid: i64, name: &'static str, activity: (i64, &'static str)) -> Class {
    Class { category: (3, "Identity & Access Management"), uid, name, activity }
}

/// The kind of event of an action about a person.
fn of_person(action: &str) -> Option<Class> {
    let class = match action {
        "session.started" | "session.refused" | "token.issued" => iam(3002, "Authentication", (1, "Logon")),
        "session.ended" | "session.revoked" | "token.revoked" => iam(3002, "Authentication", (2, "Logoff")),
        "password.changed" => iam(3001, "Account Change", (3, "Password Change")),
        "password.reset" => iam(3001, "Account Change", (4, "Password Reset")),
        "account.locked" => iam(3001, "Account Change", (9, "Lock")),
        "factor.added" => iam(3001, "Account Change", (10, "MFA Factor Enable")),
        "factor.removed" | "factor.reset" => iam(3001, "Account Change", (11, "MFA Factor Disable")),
        _ => return None,
    };
    Some(class)
}

/// The kind of event of everything else: what the verb does.
fn of_verb(action: &str) -> Class {
    let verb = action.rsplit_once('.').map_or(action, |(_, verb)| verb);
    let activity = match verb {
        "created" | "added" | "invited" | "joined" | "issued" | "opened" | "linked" | "imported" | "received" => {
            (1, "Create")
        }
        "listed" | "viewed" | "entry_viewed" | "seals_viewed" | "numbers_revealed" | "address" | "shown"
        | "looked_up" | "exported" | "seals_exported" | "verified" => (2, "Read"),
        "changed" | "role_changed" | "rotated" | "decided" | "closed" | "resent" | "handed_over" | "paused"
        | "resumed" | "replayed" => (3, "Update"),
        "removed" | "revoked" | "deleted" | "unlinked" | "cleared" | "ran" => (4, "Delete"),
        _ => (99, "Other"),
    };
    Class { category: (6, "Application Activity"), uid: 6003, name: "API Activity", activity }
}

/// One event object.
#[must_use]
pub fn text(event: &Event) -> String {
    let entry = &event.entry;
    let person = person(event);
    let class = of_person(&entry.action).filter(|_| person.is_some()).unwrap_or_else(|| of_verb(&entry.action));
    let (status_id, status) = if event.is_done() { (1, "Success") } else { (2, "Failure") };
    let mut object = json!({
        "category_uid": class.category.0, "category_name": class.category.1,
        "class_uid": class.uid, "class_name": class.name,
        "activity_id": class.activity.0, "activity_name": class.activity.1,
        "type_uid": class.uid * 100 + class.activity.0,
        "time": event.millis(),
        "severity_id": severity(event.severity()),
        "status_id": status_id, "status": status,
        "message": event.label(),
        "actor": actor(event),
        "src_endpoint": { "name": entry.origin },
        "metadata": metadata(event),
        "unmapped": {
            "business": entry.business, "action": entry.action, "actor_kind": entry.actor_kind,
            "target_kind": entry.target_kind, "before": entry.before, "after": entry.after,
            "seal": event.seal, "digest": event.digest,
        },
    });
    if let Some(reason) = &entry.reason {
        object["status_detail"] = json!(reason);
    }
    if class.uid == 6003 {
        let request = json!({ "uid": entry.trace });
        object["api"] = json!({ "operation": entry.action, "service": { "name": PRODUCT }, "request": request });
        object["resources"] = resources(event);
    } else {
        object["user"] = user(event, person);
    }
    if class.uid == 3002 {
        object["service"] = json!({ "name": PRODUCT });
    }
    ascii(&object.to_string())
}

fn metadata(event: &Event) -> Value {
    let mut metadata = json!({
        "version": SCHEMA,
        "product": { "name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION },
        "uid": event.entry.id,
        "correlation_uid": event.entry.trace,
        "log_name": "audit",
        "log_provider": PRODUCT,
        "sequence": event.position,
    });
    if event.is_test {
        metadata["labels"] = json!(["test"]);
    }
    metadata
}

/// The member that it happened to: whom it was done to, or who did it.
fn person(event: &Event) -> Option<Uuid> {
    let entry = &event.entry;
    match (entry.target_kind.as_deref(), entry.target_id) {
        (Some("member"), Some(id)) => Some(id),
        _ => entry.actor_id.filter(|_| entry.actor_kind == "member"),
    }
}

fn user(event: &Event, person: Option<Uuid>) -> Value {
    json!({ "uid": person, "org": { "uid": event.entry.business } })
}

/// People as users, machines as the application that they are.
fn actor(event: &Event) -> Value {
    let entry = &event.entry;
    if entry.actor_kind == "member" && entry.actor_id.is_some() {
        return json!({ "user": user(event, entry.actor_id) });
    }
    let mut app = json!({ "app_name": entry.actor_kind });
    if let Some(id) = entry.actor_id {
        app["app_uid"] = json!(id);
    }
    app
}

/// The schema knows no null, and wants an id or a name of each.
fn resources(event: &Event) -> Value {
    let entry = &event.entry;
    match (entry.target_kind.as_deref(), entry.target_id) {
        (Some(kind), Some(id)) => json!([{ "type": kind, "uid": id }]),
        (Some(kind), None) => json!([{ "type": kind, "name": kind }]),
        (None, _) => json!([]),
    }
}

const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 1,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::audit::Action, server::providers::siem::tests::event};

    fn read(event: &Event) -> Value {
        serde_json::from_str(&text(event)).expect("JSON")
    }

    #[test]
    fn every_event_has_what_its_class_requires() {
        for action in Action::ALL {
            let read = read(&event(action.code(), "done"));
            let (class, activity) = (read["class_uid"].as_i64(), read["activity_id"].as_i64());
            let (class, activity) = (class.expect("a class"), activity.expect("an activity"));
            assert_eq!(read["type_uid"], json!(class * 100 + activity), "{read}");
            assert_eq!(read["category_uid"], json!(class / 1000), "{read}");
            let required: &[&str] = match class {
                6003 => &["/actor/user/uid", "/api/operation", "/src_endpoint/name"],
                3002 => &["/user/uid", "/service/name"],
                3001 => &["/user/uid"],
                other => panic!("{other}"),
            };
            for path in ["/metadata/version", "/metadata/product", "/severity_id", "/time"].iter().chain(required) {
                assert!(read.pointer(path).is_some_and(|value| !value.is_null()), "{path}: {read}");
            }
        }
    }

    #[test]
    fn signing_in_is_authentication_and_a_machine_has_no_user() {
        let refused = read(&event("session.refused", "refused"));
        assert_eq!((&refused["type_uid"], &refused["status_id"]), (&json!(300_201), &json!(2)));
        assert_eq!(refused["status_detail"], json!("a=b|c\\d\ne ü 😀"));
        let mut machine = event("account.locked", "done");
        machine.entry.actor_kind = "job".to_owned();
        let read = read(&machine);
        assert_eq!((&read["class_uid"], &read["actor"]["app_name"]), (&json!(6003), &json!("job")));
        assert_eq!(read.pointer("/actor/user"), None);
        assert!(text(&machine).is_ascii());
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        fn is_full(value: &Value) -> bool {
            match value {
                Value::Null => false,
                Value::Array(items) => items.iter().all(is_full),
                Value::Object(members) => members.iter().all(|(name, value)| name == "unmapped" || is_full(value)),
                _ => true,
            }
        }
        let mut bare = event("retention.ran", "done");
        (bare.entry.actor_kind, bare.entry.actor_id, bare.entry.target_id) = ("job".to_owned(), None, None);
        let bare = read(&bare);
        assert!(is_full(&bare), "{bare}");
        assert_eq!(bare.pointer("/resources/0/name"), bare.pointer("/unmapped/target_kind"), "{bare}");
    }

    #[test]
    fn a_test_is_marked() {
        let mut tried = event("audit_stream.tested", "done");
        assert_eq!(read(&tried).pointer("/metadata/labels"), None);
        tried.is_test = true;
        assert_eq!(read(&tried).pointer("/metadata/labels/0"), Some(&json!("test")));
    }
}
