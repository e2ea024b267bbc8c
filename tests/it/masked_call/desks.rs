//! Where calls ring by the extensions (TEL-1, TEL-7): at the right desks, and at none that would put them through to the desks again.

use ringfort::model::permission::Role;

use super::{CUSTOMER, Field, PROXY, SPARE, TECHNICIAN};
use crate::kit::{sql, twilio::NUMBER};

/// Whether it rings at the fixture's desk.
fn rings(answer: &str) -> bool {
    answer.contains(">desk_101<")
}

#[tokio::test]
async fn tel_7_no_desk_is_a_number_that_rings_at_the_desks_again() {
    let field = Field::start(&[PROXY]).await;
    let member = field.business.member(Role::Dispatcher).id;
    let (who, owner) = (member.to_string(), field.owner.clone().json());
    for target in [PROXY, NUMBER, SPARE] {
        let number = if target == SPARE { SPARE } else { "" };
        let fields = [("extension", "150"), ("member", who.as_str()), ("target", target), ("number", number)];
        let refused = owner.post("/api/extensions/create", &fields).await;
        assert_eq!(refused.status, 422, "{target}: {}", refused.body);
        assert!(refused.body.contains("\"target\"") && refused.body.contains("ComesBack"), "{}", refused.body);
    }
    // A desk may have been there before its number was the business's.
    for (extension, target) in [("102", PROXY), ("103", NUMBER)] {
        let desk = format!(
            "insert into extensions (business_id, id, extension, member_id, target, created_at)
             values ('{}', gen_random_uuid(), '{extension}', '{}', '{target}', now())",
            field.business.id.0, member.0
        );
        sql::run(&field.app.owner, desk).await;
    }
    let is_fine = |answer: &str| {
        rings(answer) && !answer.contains(&format!(">{PROXY}<")) && !answer.contains(&format!(">{NUMBER}<"))
    };
    for (call, own) in [(1, PROXY), (2, NUMBER)] {
        let answer = field.call(call, CUSTOMER, own).await;
        assert!(is_fine(&answer), "{answer}");
    }
    // Taken out of the pool, it is still at the provider.
    sql::run(&field.app.owner, "update proxy_numbers set state = 'retired', retired_at = now()").await;
    let answer = field.call(3, CUSTOMER, NUMBER).await;
    assert!(is_fine(&answer), "{answer}");
}

#[tokio::test]
async fn tel_7_a_call_that_comes_back_again_and_again_ends() {
    let field = Field::start(&[]).await;
    for call in 1..20 {
        assert!(rings(&field.call(call, CUSTOMER, NUMBER).await), "{call}");
    }
    let answer = field.call(20, CUSTOMER, NUMBER).await;
    assert!(!answer.contains("<Dial"), "{answer}");
    assert!(rings(&field.call(21, TECHNICIAN, NUMBER).await), "another caller");
    field.app.clock.advance(61);
    assert!(rings(&field.call(22, CUSTOMER, NUMBER).await), "a minute later");
}

#[tokio::test]
async fn tel_1_a_direct_number_rings_its_own_desk_however_many_there_are() {
    let field = Field::start(&[]).await;
    let desks = format!(
        "insert into extensions (business_id, id, extension, member_id, target, number, created_at)
         select '{}', gen_random_uuid(), (200 + n)::text, '{}', 'client:many_' || n,
             case when n = 150 then '{SPARE}' end, now()
         from generate_series(1, 150) as n",
        field.business.id.0,
        field.business.member(Role::Dispatcher).id.0
    );
    sql::run(&field.app.owner, desks).await;
    let answer = field.call(1, CUSTOMER, SPARE).await;
    assert_eq!(answer.matches("<Client").count(), 1, "{answer}");
    assert!(answer.contains(">many_150<"), "{answer}");
    assert_eq!(field.call(2, CUSTOMER, NUMBER).await.matches("<Client").count(), 10, "ten at most");
}
