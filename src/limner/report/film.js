// The slider over the film: shows one frame large. Without this script the film has all there is.
const frames = [...document.querySelectorAll(".film img")];
if (frames.length > 1) {
  const [player, step, told] = ["player", "step", "told"].map((id) => document.getElementById(id));
  const frame = player.insertBefore(new Image(), player.firstChild);
  const show = () => {
    const { src, alt } = frames[step.value - 1];
    const caption = frames[step.value - 1].nextElementSibling.textContent.trim();
    Object.assign(frame, { src, alt });
    told.textContent = caption.replace(" ", ` of ${frames.length}, `);
    step.setAttribute("aria-valuetext", told.textContent);
  };
  step.addEventListener("input", show);
  show();
  player.hidden = false;
}
