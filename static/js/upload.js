// Shows what was chosen before it is sent, and says at once when a file is too large to be taken.
const KINDS = { image: "picture", video: "video", audio: "sound" };
const english = document.documentElement.lang.startsWith("en");
const tooLarge = (name, megabytes) => (english ? `“${name}” is larger than ${megabytes} MB.` : `“${name}”超过 ${megabytes} MB，请换一个较小的文件。`);

export function uploads(root) {
  for (const input of root.querySelectorAll("input[type=file][data-upload]")) {
    if (input.dataset.watched) continue;
    input.dataset.watched = "1";
    const preview = Object.assign(document.createElement("div"), { className: "upload-preview" });
    preview.setAttribute("aria-live", "polite");
    input.after(preview);
    input.addEventListener("change", () => show(input, preview));
  }
}

function show(input, preview) {
  preview.replaceChildren();
  const most = Object.fromEntries((input.dataset.mostMb || "").split(" ").map((one) => one.split(":")));
  const mostOf = (file) => Number(most[KINDS[file.type.split("/")[0]] || "document"]) || Infinity;
  const large = [...input.files].find((file) => file.size > mostOf(file) * 1024 * 1024);
  const said = large ? tooLarge(large.name, mostOf(large)) : "";
  input.setCustomValidity(said);
  if (said) preview.append(Object.assign(document.createElement("p"), { className: "errorlist", textContent: `▲ ${said}` }));
  for (const file of input.files) preview.append(picture(file));
}

function picture(file) {
  if (!file.type.startsWith("image/")) return Object.assign(document.createElement("span"), { className: "badge soft", textContent: file.name });
  const image = Object.assign(document.createElement("img"), { alt: file.name, src: URL.createObjectURL(file) });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src));
  return image;
}
