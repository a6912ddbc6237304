// The camera: from the wish for it until its light goes out.

const WANTED = {
  audio: false,
  video: {
    facingMode: "environment", // the back one, where there are two
    width: { ideal: 1280 },
    height: { ideal: 720 },
  },
};

function putOut(stream) {
  for (const track of stream.getTracks()) track.stop();
}

// A camera that shows itself in a video. devices: navigator.mediaDevices;
// ended: called when it stops by itself, as one does that is unplugged.
export function makeCamera(devices, video, ended) {
  let wish = null; // the present one: from its start to its stop
  let stream = null;

  function stop() {
    if (stream) putOut(stream);
    wish = stream = video.srcObject = null;
  }

  // Whether the picture moves now: it doesn't if the user went on before the
  // browser answered. Rejected if there is no picture.
  async function start() {
    stop();
    const mine = {};
    wish = mine;
    try {
      const given = await devices.getUserMedia(WANTED);
      if (wish !== mine) {
        putOut(given); // too late
        return false;
      }
      stream = given;
      for (const track of stream.getTracks())
        track.addEventListener("ended", () => {
          if (wish === mine) ended();
        });
      video.srcObject = stream;
      await video.play();
    } catch (error) {
      if (wish !== mine) return false;
      stop();
      throw error;
    }
    return wish === mine;
  }

  return { start, stop, isWished: () => wish !== null };
}

// What to show of texts that were read one after the other: what was read
// twice in a row, until two in a row aren't that. It is "" if that's nothing.
export function makeSteady() {
  let [last, shown] = ["", ""];
  return (text) => {
    if (text === last) shown = text;
    else if (text !== shown && last !== shown) shown = "";
    last = text;
    return shown;
  };
}
