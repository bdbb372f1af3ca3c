// The token of an email's link stands behind the #: no server, proxy or log sees it.
const field = document.querySelector('input[name="token"]');
const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
if (field && token) field.value = token;
