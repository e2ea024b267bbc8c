// Answers forms with a passkey: asks our server what to ask, lets the browser's own dialog ask it, puts the answer into the
// form's hidden field, and sends the form as any other. What the server has against it is told by the page that comes back.
// Without this script the forms stay hidden, and the page says why.

const api = window.PublicKeyCredential && navigator.credentials;

const words = {
  NotAllowedError: "No passkey was used: the question was closed, or it took too long. Try again, or choose another way.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "This address is not the one that passkeys of this product are made for.",
  NotSupportedError: "This device makes no passkeys of the kind that is needed here.",
  ConstraintError: "This device cannot ask who you are: set up a PIN, a fingerprint or a face on it first.",
};
const other = "The passkey could not be used. Try again, or choose another way.";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// Browsers of before 2025 read and write no JSON: the same by hand.
const keys = (list) => (list ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

function toCreate(json) {
  if (api && PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  const user = { ...json.user, id: bytes(json.user.id) };
  return { ...json, user, challenge: bytes(json.challenge), excludeCredentials: keys(json.excludeCredentials) };
}

function toGet(json) {
  if (api && PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  return { ...json, challenge: bytes(json.challenge), allowCredentials: keys(json.allowCredentials) };
}

function toText(credential) {
  if (credential.toJSON) return JSON.stringify(credential.toJSON());
  const { id, type, response: given } = credential;
  const response = { clientDataJSON: text(given.clientDataJSON) };
  if (given.attestationObject) {
    response.attestationObject = text(given.attestationObject);
    response.transports = given.getTransports?.() ?? [];
  } else {
    response.authenticatorData = text(given.authenticatorData);
    response.signature = text(given.signature);
    response.userHandle = given.userHandle ? text(given.userHandle) : null;
  }
  return JSON.stringify({ id, rawId: text(credential.rawId), type, response, clientExtensionResults: {} });
}

const part = (form, name) => form.querySelector(`[data-passkey-part="${name}"]`);

function say(form, problem) {
  const place = part(form, "problem");
  place.hidden = !problem;
  place.textContent = problem ?? "";
}

/** The browser's dialog. Nothing when the server does not ask: then it says why to the form itself. */
async function ask(form) {
  const started = await fetch(form.dataset.start, { method: "POST", headers: { accept: "application/json" } });
  if (!started.ok) return "";
  const json = await started.json();
  const credential =
    form.dataset.passkey === "register"
      ? await api.create({ publicKey: toCreate(json) })
      : await api.get({ publicKey: toGet(json) });
  return toText(credential);
}

async function answer(form) {
  const button = part(form, "button");
  button.disabled = true;
  say(form);
  try {
    form.elements.credential.value = await ask(form);
    form.submit();
  } catch (error) {
    button.disabled = false;
    say(form, words[error.name] ?? other);
    button.focus();
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  part(form, api ? "body" : "none").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (api && !part(form, "button").disabled) answer(form);
  });
}

// A page that comes back by the back button is as it was left: waiting.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    part(form, "button").disabled = false;
    form.elements.credential.value = "";
  }
});
