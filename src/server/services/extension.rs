//! Adding and removing extensions.

use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::Action,
        extension::{Target, number},
        field::{Bad, Fields},
        id::{ExtensionId, MemberId},
        phone::Phone,
    },
    server::{
        http::{AppError, Cx},
        store::{self, StoreError, extension::NewExtension},
    },
};

/// What the form says.
pub struct Draft<'a> {
    pub extension: &'a str,
    pub member: &'a str,
    pub target: &'a str,
    pub number: &'a str,
}

/// Adds an extension.
///
/// # Errors
/// Invalid fields, also when number or target is in use, or calls to the target ring at the desks again; refused without `extensions`.
pub async fn create(cx: &Cx, draft: Draft<'_>) -> Result<(), AppError> {
    let mut fields = Fields::default();
    let extension = fields.take("extension", number(draft.extension));
    let member = fields.take("member", draft.member.parse::<MemberId>().map_err(|_| Bad::Choice));
    let target = fields.take("target", Target::parse(draft.target));
    let direct = match draft.number.trim() {
        "" => Some(None),
        text => fields.take("number", text.parse::<Phone>().map_err(|_| Bad::Phone)).map(Some),
    };
    let (Some(extension), Some(member), Some(target), Some(direct)) = (extension, member, target, direct) else {
        return Err(fields.into());
    };
    let id: ExtensionId = cx.app.draw();
    audit::audited(&cx.app, cx.caller()?, Action::ExtensionCreated, async |act| {
        act.on("extension", id.0);
        act.after(json!({ "extension": extension, "member": member }));
        if let Target::Number(number) = &target
            && (direct.as_ref().is_some_and(|direct| direct.reveal() == number)
                || store::extension::comes_back(&mut act.tx, number).await?)
        {
            return Err(AppError::field("target", Bad::ComesBack));
        }
        let new = NewExtension {
            id,
            extension: &extension,
            member,
            target: &target.code(),
            number: direct.as_ref().map(Phone::reveal),
        };
        match store::extension::insert(&mut act.tx, new).await {
            Err(StoreError::Missing) => Err(AppError::field("member", Bad::Choice)),
            other => Ok(other?),
        }
    })
    .await
}

/// Removes an extension.
///
/// # Errors
/// Missing when it is not this business's; refused without `extensions`.
pub async fn delete(cx: &Cx, id: ExtensionId) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::ExtensionRemoved, async |act| {
        act.on("extension", id.0);
        Ok(store::extension::delete(&mut act.tx, id).await?)
    })
    .await
}
