//! What the live board measures by, and its queues (TEL-2).

use serde_json::{Value, json};

use super::audit;
use crate::{
    model::{
        audit::Action,
        board::{MOST_QUEUES, Measures, number},
        field::{Bad, Fields, text},
        id::QueueId,
        phone::Phone,
    },
    server::{
        http::{AppError, Cx},
        store::{self, board::Queue},
    },
};

/// What the form says.
pub struct Draft<'a> {
    pub warn_seconds: &'a str,
    pub bad_seconds: &'a str,
    pub answer_seconds: &'a str,
    pub target_percent: &'a str,
}

fn check(draft: &Draft<'_>) -> Result<Measures, AppError> {
    let mut fields = Fields::default();
    let warn = fields.take("warn_seconds", number(draft.warn_seconds, 10, 3599));
    // What demands attention comes after what asks for it.
    let least = warn.map_or(11, |warn| warn + 1);
    let bad = fields.take("bad_seconds", number(draft.bad_seconds, least, 3600));
    let answer = fields.take("answer_seconds", number(draft.answer_seconds, 1, 600));
    let target = fields.take("target_percent", number(draft.target_percent, 1, 100));
    match (warn, bad, answer, target) {
        (Some(warn_seconds), Some(bad_seconds), Some(answer_seconds), Some(target_percent)) => {
            Ok(Measures { warn_seconds, bad_seconds, answer_seconds, target_percent })
        }
        _ => Err(fields.into()),
    }
}

fn told(measures: Measures) -> Value {
    json!({
        "warn_seconds": measures.warn_seconds, "bad_seconds": measures.bad_seconds,
        "answer_seconds": measures.answer_seconds, "target_percent": measures.target_percent,
    })
}

/// Changes what the board measures by.
///
/// # Errors
/// Invalid fields; refused without `settings`.
pub async fn change(cx: &Cx, draft: Draft<'_>) -> Result<(), AppError> {
    let measures = check(&draft)?;
    audit::audited(&cx.app, cx.caller()?, Action::BoardChanged, async |act| {
        let before = store::board::measures(&mut act.tx).await?;
        act.before(told(before));
        act.after(told(measures));
        Ok(store::board::put_measures(&mut act.tx, measures).await?)
    })
    .await
}

/// Names a number as a queue.
///
/// # Errors
/// Invalid fields, also when name or number is in use, or there are as many as there may be; refused without `settings`.
pub async fn add_queue(cx: &Cx, name: &str, number: &str) -> Result<(), AppError> {
    let mut fields = Fields::default();
    let name = fields.take("name", text(name, 60));
    let number = fields.take("number", number.parse::<Phone>().map_err(|_| Bad::Phone));
    let (Some(name), Some(number)) = (name, number) else { return Err(fields.into()) };
    let queue = Queue { id: cx.app.draw(), name, number };
    audit::audited(&cx.app, cx.caller()?, Action::QueueAdded, async |act| {
        act.on("queue", queue.id.0);
        if store::board::add_queue(&mut act.tx, &queue).await? {
            return Ok(());
        }
        Err(AppError::field("name", Bad::Most(MOST_QUEUES)))
    })
    .await
}

/// Removes a queue.
///
/// # Errors
/// Refused without `settings`; missing when it is not this business's.
pub async fn remove_queue(cx: &Cx, id: QueueId) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::QueueRemoved, async |act| {
        act.on("queue", id.0);
        Ok(store::board::remove_queue(&mut act.tx, id).await?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft<'a>(warn: &'a str, bad: &'a str) -> Draft<'a> {
        Draft { warn_seconds: warn, bad_seconds: bad, answer_seconds: "20", target_percent: "80" }
    }

    #[test]
    fn what_demands_attention_comes_after_what_asks_for_it() {
        assert_eq!(check(&draft("60", "61")).ok().map(|m| (m.warn_seconds, m.bad_seconds)), Some((60, 61)));
        let refused = check(&draft("60", "60"));
        assert!(matches!(refused, Err(AppError::Invalid(bad)) if bad.len() == 1 && bad[0].field == "bad_seconds"));
    }
}
