// The place box: road and number, a crossing, a landmark, a component's code or a coordinate become a point; the map follows.
//   input[data-place-box="id_lon,id_lat"] data-find="address"    what is typed stays as the words of the place in any case
import { combobox, onward } from "./combobox.js";

const english = document.documentElement.lang.startsWith("en");
const words = english ? { hint: "Road and number, crossing, landmark, component code, coordinate" } : { hint: "路名门牌、路口、地标、部件编码、坐标" };

export default function boxes(root) {
  for (const input of root.querySelectorAll("input[data-place-box]")) if (!input.dataset.boxed) box(input);
}

function box(input) {
  input.dataset.boxed = "1";
  input.placeholder ||= words.hint;
  const [lon, lat] = input.dataset.placeBox.split(",").map((id) => document.getElementById(id));
  const label = document.querySelector(`label[for="${input.id}"]`)?.textContent.trim();
  combobox(input, {
    label: label || words.hint,
    wait: 150,
    find: async (text) => {
      if (text.trim().length < 2) return [];
      const answer = await fetch(`${input.dataset.find}?q=${encodeURIComponent(text.trim())}`, { headers: { "X-Quiet": "1" } }).catch(() => null);
      return answer?.ok ? (await answer.json()).found : [];
    },
    choose: (one) => {
      input.value = one.label;
      said(input.form, one);
      lon.value = one.lon;
      lat.value = one.lat;
      for (const field of [lon, lat, input]) field.dispatchEvent(new Event("change", { bubbles: true }));
      onward(input);
    },
  });
}

// A component that was named is what it is about: its class is known.
function said(form, { component, minor_class: name }) {
  const field = form?.elements.component, choice = form?.elements.minor_class;
  if (field) field.value = component;
  if (!name || !choice || choice.value || ![...choice.options].some((option) => option.value === name)) return;
  choice.value = name;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
}
