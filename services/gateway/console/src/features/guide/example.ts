import { language } from '@/i18n';

import type { Found, Kind } from './files';

const EACH = 60;
const SIDE = 64;

/** A small data set that is made here and now, for people who have none at hand. */
export function example(kind: Kind): Promise<Found[]> {
  return kind === 'image' ? shapes() : Promise.resolve(reviews());
}

/** Numbers from 0 to 1 that are the same every time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const SHAPES = {
  zh: ['圆形', '方形', '三角形'],
  en: ['circle', 'square', 'triangle'],
};
const CORNERS = [0, 4, 3];

async function shapes(): Promise<Found[]> {
  const roll = dice(7);
  const found: Found[] = [];
  for (const [at, name] of SHAPES[language()].entries()) {
    for (let number = 1; number <= EACH; number += 1) {
      const file = await drawn(CORNERS[at] ?? 0, roll);
      found.push({ path: `${name}/${String(number).padStart(2, '0')}.png`, file });
    }
  }
  return found;
}

/** A figure of somewhere, some size and some colour; without corners it is a circle. */
function drawn(corners: number, roll: () => number): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('canvas');
  const hue = roll() * 360;
  pen.fillStyle = `hsl(${hue} 30% ${80 + roll() * 15}%)`;
  pen.fillRect(0, 0, SIDE, SIDE);
  pen.fillStyle = `hsl(${(hue + 120 + roll() * 120) % 360} 70% ${30 + roll() * 20}%)`;
  const radius = 16 + roll() * 10;
  const [x, y, turn] = [SIDE / 2 + (roll() - 0.5) * 14, SIDE / 2 + (roll() - 0.5) * 14, (roll() - 0.5) * 0.6];
  pen.beginPath();
  if (corners === 0) pen.arc(x, y, radius, 0, 2 * Math.PI);
  for (let corner = 0; corner < corners; corner += 1) {
    const angle = turn + (2 * Math.PI * corner) / corners - Math.PI / (corners === 4 ? 4 : 2);
    pen.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  pen.fill();
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('canvas'))), 'image/png'),
  );
}

const REVIEWS = {
  zh: {
    things: ['这家餐厅', '这部手机', '这本书', '这次快递', '酒店房间', '客服', '这件衣服', '这台电脑', '外卖', '这个应用'],
    classes: {
      好评: ['非常好，下次还会再来', '质量不错，很满意', '超出预期，推荐给大家', '又快又好，点赞', '很喜欢，物超所值', '体验很棒，五星好评'],
      差评: ['太差了，不会再买', '质量很糟，非常失望', '和描述不符，要求退款', '又慢又贵，浪费时间', '坏了也没人管，气人', '体验糟糕，一星都嫌多'],
    },
  },
  en: {
    things: ['The restaurant', 'This phone', 'This book', 'The delivery', 'The room', 'The support', 'This shirt', 'This laptop', 'The meal', 'The app'],
    classes: {
      good: ['was great, I will come back', 'is of good quality and I am happy', 'is better than expected, recommended', 'was fast and friendly', 'is lovely and worth the price', 'was a wonderful experience'],
      bad: ['was terrible, never again', 'is of poor quality, I am disappointed', 'is not as described, I want a refund', 'was slow and expensive', 'broke at once and nobody helped', 'was an awful experience'],
    },
  },
};

function reviews(): Found[] {
  const { things, classes } = REVIEWS[language()];
  const space = language() === 'en' ? ' ' : '';
  return Object.entries(classes).flatMap(([name, words]) =>
    things.flatMap((thing, row) =>
      words.map((said, column) => ({
        path: `${name}/${row}-${column}.txt`,
        file: new Blob([`${thing}${space}${said}`], { type: 'text/plain' }),
      })),
    ),
  );
}
