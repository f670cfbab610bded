// The stage around the picture: the before/after divider, and full screen.

const REMEMBERED = "stylecam.split";
const IDLE_MS = 2500;
const TAG_ROOM = 0.16; // A label leaves when its side gets narrower than it.

const $ = (id) => document.getElementById(id);

/** Drag anywhere on the picture, or use the range input by keyboard. */
export function installDivider(player) {
  const stage = $("stage");
  const range = $("divider");

  const move = (split) => {
    const share = Math.min(1, Math.max(0, split));
    player.moveSplit(share);
    stage.style.setProperty("--split", `${100 * share}%`);
    range.value = 100 * share;
    range.setAttribute("aria-valuetext", `${Math.round(100 * share)} % camera`);
    $("tag-camera").toggleAttribute("data-away", share < TAG_ROOM);
    $("tag-style").toggleAttribute("data-away", share > 1 - TAG_ROOM);
  };
  const follow = (event) => {
    const box = stage.getBoundingClientRect();
    move((event.clientX - box.left) / box.width);
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    follow(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) follow(event);
  });
  stage.addEventListener("pointerup", () => remember(player.split));
  range.addEventListener("input", () => move(range.value / 100));
  range.addEventListener("change", () => remember(player.split));
  move(recall());
}

/** A private window may refuse storage: then the divider starts in the middle. */
function recall() {
  try {
    return Number(localStorage.getItem(REMEMBERED) ?? 0.5);
  } catch (error) {
    return 0.5;
  }
}

function remember(split) {
  try {
    localStorage.setItem(REMEMBERED, String(split));
  } catch (error) {
    // Nothing to do: the divider works all the same.
  }
}

/** Real full screen where there is one; iPhones have none for a canvas: fill the page there. */
export function installFullScreen() {
  const frame = $("frame");
  $("fullscreen").addEventListener("click", () => {
    if (frame.requestFullscreen) frame.requestFullscreen();
    else frame.classList.add("filled");
  });
  const leave = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    frame.classList.remove("filled");
  };
  $("leave").addEventListener("click", leave);
  // The divider must not jump under a finger that only wants to leave.
  $("leave").addEventListener("pointerdown", (event) => event.stopPropagation());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leave();
  });
  hideWhenIdle(frame);
}

function hideWhenIdle(frame) {
  let timer = 0;
  const wake = () => {
    frame.removeAttribute("data-idle");
    clearTimeout(timer);
    timer = setTimeout(() => frame.setAttribute("data-idle", ""), IDLE_MS);
  };
  for (const kind of ["pointermove", "pointerdown", "keydown"]) {
    document.addEventListener(kind, wake);
  }
  wake();
}
