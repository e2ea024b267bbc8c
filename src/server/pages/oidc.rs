//! Signing in with a provider of identities (ACC-6): the buttons that lead there, the way back, which is a GET and
//! changes nothing, the page with the button that uses up what was brought back, and why it was of no use.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use crate::{
    model::permission::Need,
    server::{
        http::{
            AppError, Cx,
            action::{append_cookie, see_other},
            flash::FormState,
            render::Page,
        },
        services::{
            identity::{self, Answer, Refusal, name, returned, waiting},
            invitation,
        },
        store::lobby::OidcPurpose,
    },
    ui::{
        actions::oidc::{EnterOidc, FinishOidcJoin, FinishOidcLink, StartOidc, StartOidcJoin},
        parts::{ErrorSummary, Form, PageHead, Submit, TextField, Tone},
    },
};

/// Who may open these pages. Who is waited for is in cookies.
pub const NEED: Need = Need::Public;

/// A form that is one button, with the provider's name in it, and what was wrong with the last try.
fn button(action: &'static str, next: Option<String>, label: String, form: &FormState) -> AnyView {
    let problems = form.problems();
    let next = next.map(|next| view! { <input type="hidden" name="next" value=next /> });
    view! {
        <ErrorSummary problems=problems />
        <Form action=action.to_owned()>
            {next}
            <button class=Tone::Neutral.button() type="submit">{label}</button>
        </Form>
    }
    .into_any()
}

/// The button on the sign-in page, where this installation has a provider. `next` is where to go on after.
#[must_use]
pub fn sign_in_button(cx: &Cx, next: &str) -> Option<AnyView> {
    let label = format!("Sign in with {}", name(cx)?);
    Some(button(StartOidc::PATH, Some(next.to_owned()), label, &cx.form::<StartOidc>()))
}

/// The button on the page of an invitation.
#[must_use]
pub fn join_button(cx: &Cx) -> Option<AnyView> {
    let label = format!("Join with {}", name(cx)?);
    Some(button(StartOidcJoin::PATH, None, label, &cx.form::<StartOidcJoin>()))
}

/// `GET /sign-in/oidc/callback`: the way back.
///
/// # Errors
/// Missing when there is no provider; the database cannot be reached.
pub async fn callback(cx: Cx) -> Result<Response, AppError> {
    let answer: Answer = cx.query()?;
    let back = returned(&cx, &answer).await?;
    let mut response = see_other(&back.to);
    if let Some(cookie) = back.cookie {
        append_cookie(response.headers_mut(), &cookie);
    }
    Ok(response)
}

/// What the button does that uses up what was brought back.
enum Offer {
    SignIn(FormState),
    Link(FormState),
    Join { business: String, form: FormState },
}

/// `GET /sign-in/oidc`: needs the cookies that the way there and back have set. Consumes nothing.
///
/// # Errors
/// Missing when there is no provider; the database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let provider = name(&cx).ok_or(AppError::Missing)?;
    let Some(offer) = load(&cx).await? else { return Ok(see_other(&Refusal::Late.path())) };
    if matches!(offer, Offer::SignIn(_)) && cx.visitor.signed_in.is_some() {
        return Ok(see_other("/home"));
    }
    let title = match &offer {
        Offer::SignIn(_) => format!("Sign in with {provider}"),
        Offer::Link(_) => format!("Link your {provider} account"),
        Offer::Join { business, .. } => format!("Join {business}"),
    };
    Ok(Page::new(title.clone()).show(&cx, || view(title, &provider, offer)))
}

async fn load(cx: &Cx) -> Result<Option<Offer>, AppError> {
    let waiting = match waiting(cx).await {
        Ok(waiting) => waiting,
        Err(AppError::Missing) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(match waiting.purpose {
        OidcPurpose::SignIn => Some(Offer::SignIn(cx.form::<EnterOidc>())),
        OidcPurpose::Link => {
            let is_theirs = cx.signed_in().is_ok_and(|person| Some(person.user) == waiting.user);
            is_theirs.then(|| Offer::Link(cx.form::<FinishOidcLink>()))
        }
        OidcPurpose::Join => {
            let Some(token) = cx.visitor.link.as_deref() else { return Ok(None) };
            match invitation::peek(cx, token).await {
                Ok(found) => Some(Offer::Join { business: found.business_name, form: cx.form::<FinishOidcJoin>() }),
                Err(AppError::Missing) => None,
                Err(error) => return Err(error),
            }
        }
    })
}

fn view(title: String, provider: &str, offer: Offer) -> AnyView {
    let (lede, content) = match offer {
        Offer::SignIn(form) => {
            (format!("You are back from {provider}. One press, and you are in."), press::<EnterOidc>("Sign in", &form))
        }
        Offer::Link(form) => (
            format!("You are back from {provider}. From now on that account signs you in here."),
            press::<FinishOidcLink>("Link it", &form),
        ),
        Offer::Join { form, .. } => (format!("You are back from {provider}. One more thing."), join_form(&form)),
    };
    view! {
        <PageHead title=title lede=lede />
        <div class="stack">{content}</div>
        <p class="plain-foot">
            "Not what you wanted? "
            <a class="link" href="/sign-in">"Start again"</a>
        </p>
    }
    .into_any()
}

fn press<F: ServerFn>(label: &'static str, form: &FormState) -> AnyView {
    let problems = form.problems();
    view! {
        <ErrorSummary problems=problems />
        <Form action=F::PATH.to_owned()>
            <Submit label=label />
        </Form>
    }
    .into_any()
}

fn join_form(form: &FormState) -> AnyView {
    let (problems, value, problem) = (form.problems(), form.value("name", ""), form.problem("name"));
    view! {
        <ErrorSummary problems=problems />
        <Form action=FinishOidcJoin::PATH.to_owned()>
            <TextField
                name="name"
                label="Your name"
                hint="As your colleagues here know you."
                autocomplete="name"
                maxlength=80
                value=value
                problem=problem
            />
            <Submit label="Join" />
        </Form>
    }
    .into_any()
}

/// Why it was of no use.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    why: String,
}

/// `GET /sign-in/oidc/over`: says why, in words that tell nothing about any account or token.
///
/// # Errors
/// Missing when there is no provider; bad request for a word that we do not know.
pub async fn over(cx: Cx) -> Result<Response, AppError> {
    let provider = name(&cx).ok_or(AppError::Missing)?;
    let query: Query = cx.query()?;
    let why: Refusal = query.why.parse().map_err(|_| AppError::BadRequest)?;
    let is_in = cx.visitor.signed_in.is_some();
    let title = over_title(why, &provider);
    Ok(Page::new(title.clone()).show(&cx, || over_view(title, why, &provider, is_in)))
}

fn over_title(why: Refusal, provider: &str) -> String {
    match why {
        Refusal::Denied => format!("{provider} was told no"),
        Refusal::Late => "This took too long".to_owned(),
        Refusal::Failed => format!("{provider} has not confirmed who you are"),
        Refusal::Unreachable => format!("{provider} does not answer"),
        Refusal::Unknown => format!("This {provider} account is not linked"),
        Refusal::Taken => format!("This {provider} account is linked already"),
        Refusal::Address => "The invitation went to another address".to_owned(),
        Refusal::Unchecked => format!("{provider} has not checked your address"),
        Refusal::Account => "This address has an account here already".to_owned(),
    }
}

fn over_text(why: Refusal, provider: &str) -> String {
    match why {
        Refusal::Denied => "You, or somebody at this screen, has not agreed there. Nothing was changed.".to_owned(),
        Refusal::Late => {
            "What comes back counts once, for ten minutes, and only in the browser that went there. Nothing was \
             changed; please try again."
                .to_owned()
        }
        Refusal::Failed => {
            "Its answer could not be used. Nothing was changed; please try again. If it happens again, tell \
             your operator."
                .to_owned()
        }
        Refusal::Unreachable => {
            "Nothing was changed. Try again in a moment, or sign in another way: that works without it.".to_owned()
        }
        Refusal::Unknown => format!(
            "No account here is linked with this {provider} account. Sign in another way, then link it under Your account."
        ),
        Refusal::Taken => format!(
            "It is linked with another account here, or you have linked one before: then unlink that first. Nothing was \
             changed. Another {provider} account may do."
        ),
        Refusal::Address => format!(
            "This {provider} account has not the address that was invited. The invitation is still good: choose another \
             {provider} account, or join with a password."
        ),
        Refusal::Unchecked => format!(
            "{provider} does not say that the address of this account is yours. The invitation is still good: join with a \
             password instead."
        ),
        Refusal::Account => format!(
            "Join with its password: the invitation is still good. Afterwards you can link your {provider} account under \
             Your account."
        ),
    }
}

fn over_view(title: String, why: Refusal, provider: &str, is_in: bool) -> AnyView {
    let (href, label) = match why {
        Refusal::Address | Refusal::Unchecked | Refusal::Account => ("/join", "Back to the invitation"),
        _ if is_in => (identity::PATH, "Back to your linked account"),
        _ => ("/sign-in", "Sign in another way"),
    };
    view! {
        <PageHead title=title />
        <div class="stack">
            <p>{over_text(why, provider)}</p>
            <div class="row">
                <a class="btn btn-primary" href=href>{label}</a>
            </div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_words_of_its_own() {
        let mut titles: Vec<_> = Refusal::ALL.iter().map(|why| over_title(*why, "Google")).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), Refusal::ALL.len());
        for why in Refusal::ALL {
            let text = over_text(why, "Google");
            assert!(text.ends_with('.') && !text.contains("token"), "{text}");
        }
    }
}
