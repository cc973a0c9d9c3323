// Run in a demo page: looks at what its videos show.
() => {
  const draw = (role) => {
    const video = document.querySelector(`video[data-role=${role}]`);
    if (!video?.videoWidth) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const pen = canvas.getContext("2d");
    pen.drawImage(video, 0, 0);
    return pen.getImageData(0, 0, canvas.width, canvas.height);
  };
  const name = ([r, g, b]) => {
    if (r > 150 && g < 90 && b < 90) return "red";
    if (b > 150 && r < 90 && g < 90) return "blue";
    return `rgb(${[r, g, b].map(Math.round)})`;
  };
  const mean = ({ data, width, height }, from, to) => {
    const sum = [0, 0, 0];
    const [first, last] = [Math.floor(from * height), Math.floor(to * height)];
    for (let at = first * width * 4; at < last * width * 4; at += 4) {
      for (let part = 0; part < 3; part++) sum[part] += data[at + part];
    }
    return sum.map((total) => total / ((last - first) * width));
  };
  window.pictures = {
    // The colours of the upper and of the lower part, as words where they are plain.
    halves: (role) => {
      const image = draw(role);
      return image && [name(mean(image, 0.05, 0.35)), name(mean(image, 0.65, 0.95))];
    },
    // Where the pixels are that `test` accepts: [x, y] as shares of the picture, or null.
    find: (role, test) => {
      const image = draw(role);
      let [count, across, down] = [0, 0, 0];
      for (let at = 0; image && at < image.data.length; at += 4) {
        if (!test(image.data[at], image.data[at + 1], image.data[at + 2])) continue;
        count += 1;
        across += (at / 4) % image.width;
        down += Math.floor(at / 4 / image.width);
      }
      return count > 20 ? [across / count / image.width, down / count / image.height] : null;
    },
    frames: (role) =>
      document.querySelector(`video[data-role=${role}]`).getVideoPlaybackQuality().totalVideoFrames,
  };
};
