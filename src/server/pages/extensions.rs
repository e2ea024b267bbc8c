//! Extensions: which desk rings where. The list, a form to add one, a button to remove one.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::cells;
use crate::{
    model::{
        extension::Target,
        id::{ExtensionId, MemberId},
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        store::{self, extension::Extension},
    },
    ui::{
        actions::setup::{CreateExtension, DeleteExtension},
        parts::{Card, DataTable, Empty, ErrorSummary, Form, PageHead, SelectField, Submit, TextField},
    },
};

/// Who may see and change extensions.
pub const NEED: Need = Need::Holds(Permission::Extensions);

struct Model {
    extensions: Vec<Extension>,
    members: Vec<(MemberId, String)>,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let mut tx = cx.tx().await?;
    let extensions = store::extension::list(&mut tx).await?;
    let members = store::member::choices(&mut tx).await?;
    tx.commit().await?;
    Ok(Model { extensions, members, form: cx.form::<CreateExtension>() })
}

/// `GET /extensions`
///
/// # Errors
/// Refused without `extensions`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Extensions").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let list = if m.extensions.is_empty() { empty() } else { table(m.extensions) };
    let add = add(m.members, m.form);
    view! {
        <PageHead
            title="Extensions".to_owned()
            lede="Whose phone rings, and where. A call to a direct number rings there; any other rings everybody."
        />
        <div class="grid-side">
            <div>{list}</div>
            <Card title="Add an extension">{add}</Card>
        </div>
    }
}

fn table(extensions: Vec<Extension>) -> AnyView {
    let rows: Vec<AnyView> = extensions.into_iter().map(row).collect();
    view! {
        <DataTable
            caption="Extensions by number".to_owned()
            head=vec![("Extension", ""), ("Person", ""), ("Rings at", ""), ("Direct number", ""), ("", "actions")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn row(x: Extension) -> AnyView {
    let id = ExtensionId(x.id).to_string();
    let (kind, target) = target(&x.target);
    let number = cells::masked(x.number.as_deref()).map_or_else(cells::dash, cells::mono);
    let whose = format!(" extension {}", x.extension);
    view! {
        <tr>
            <td>{cells::mono(x.extension)}</td>
            <td>{x.member_name}</td>
            <td>
                <span class="cell-main mono">{target}</span>
                <span class="cell-note">{kind}</span>
            </td>
            <td>{number}</td>
            <td class="actions">
                <form method="post" action=DeleteExtension::PATH>
                    <input type="hidden" name="id" value=id />
                    <button class="btn btn-quiet btn-small" type="submit">
                        "Remove"
                        <span class="sr-only">{whose}</span>
                    </button>
                </form>
            </td>
        </tr>
    }
    .into_any()
}

/// What rings and where, with a telephone's number masked.
fn target(text: &str) -> (&'static str, String) {
    match Target::parse(text) {
        Ok(Target::Client(name)) => ("Softphone", name),
        Ok(Target::Sip(address)) => ("SIP phone", address),
        Ok(Target::Number(number)) => ("Telephone", cells::masked(Some(number.as_str())).unwrap_or_default()),
        Err(_) => ("Unknown", "–".to_owned()),
    }
}

fn add(members: Vec<(MemberId, String)>, form: FormState) -> AnyView {
    let mut people = vec![(String::new(), "Choose a person".to_owned())];
    people.extend(members.into_iter().map(|(id, name)| (id.to_string(), name)));
    view! {
        <Form action=CreateExtension::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="extension"
                label="Extension"
                value=form.value("extension", "")
                problem=form.problem("extension")
                hint="2 to 8 digits, like 101."
                autocomplete="off"
                maxlength=8
            />
            <SelectField
                name="member"
                label="Person"
                options=people
                value=form.value("member", "")
                problem=form.problem("member")
            />
            <TextField
                name="target"
                label="Rings at"
                value=form.value("target", "")
                problem=form.problem("target")
                hint="client:name for a softphone, sip:name@host, or a number like +14155550100."
                autocomplete="off"
                maxlength=190
            />
            <TextField
                name="number"
                label="Direct number"
                kind="tel"
                value=form.value("number", "")
                problem=form.problem("number")
                hint="Calls to this number ring here and nowhere else."
                autocomplete="off"
                required=false
                maxlength=24
            />
            <Submit label="Add" />
        </Form>
    }
    .into_any()
}

fn empty() -> AnyView {
    view! {
        <Empty
            icon="extension"
            title="Nothing rings yet".to_owned()
            text="Calls are heard by nobody until there is an extension.".to_owned()
        >
            <a class="btn btn-primary" href="#f-extension">"Add the first one"</a>
        </Empty>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_telephone_is_masked() {
        assert_eq!(target("+14155550100"), ("Telephone", "***-***-0100".to_owned()));
        assert_eq!(target("client:ana"), ("Softphone", "ana".to_owned()));
    }
}
