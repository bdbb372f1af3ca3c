// The emailed link carries its token after the #, hidden from servers, proxies and logs.
const field = document.querySelector('input[name="token"]');
const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
if (field && token) field.value = token;
