// A link marked data-dialog leads to a page with one question. With this module the question (the page's
// [data-dialog-body]) opens in a dialog over the present page; without it, or when anything fails, the link is followed.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  try {
    const answer = await fetch(link.href, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) throw new Error("no question");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const body = page.querySelector("[data-dialog-body]");
    if (!body) throw new Error("no question");
    show(document.importNode(body, true), link);
  } catch {
    window.location.assign(link.href);
  }
});

function show(body, opener) {
  const dialog = document.createElement("dialog");
  dialog.className = "modal";
  const heading = body.querySelector("h1, h2");
  if (heading) {
    heading.id ||= "dialog-title";
    dialog.setAttribute("aria-labelledby", heading.id);
  }
  dialog.append(body);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    const cancel = event.target.closest("[data-dialog-cancel]");
    if (cancel) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
