import type { Laptop } from './laptop.ts';
import { table } from './table.ts';

const KEPT_LINES = 8;
const HOME_AND_CLEAR = '\x1b[H\x1b[J';
const ALTERNATE_SCREEN = { enter: '\x1b[?1049h\x1b[?25l', leave: '\x1b[?25h\x1b[?1049l' };

/** A live view in the terminal: the table, redrawn every second, and the last lines below it. */
export const live = () => {
  const lines: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let drawing = false;
  const say = (line: string) => {
    lines.push(`${new Date().toLocaleTimeString('en-GB')}  ${line}`);
    lines.splice(0, lines.length - KEPT_LINES);
  };
  const draw = async (example: string, laptop: Laptop) => {
    if (drawing) return;
    drawing = true;
    try {
      const views = await laptop.views();
      const width = process.stdout.columns || 120;
      const picture = ['token-refresher  (ctrl-c ends)', example, '', table(views, Date.now()), '', ...lines];
      const cut = picture
        .join('\n')
        .split('\n')
        .map(line => line.slice(0, width));
      process.stdout.write(`${HOME_AND_CLEAR}${cut.slice(0, (process.stdout.rows || 50) - 1).join('\n')}`);
    } finally {
      drawing = false;
    }
  };
  process.stdout.write(ALTERNATE_SCREEN.enter);
  return {
    say,
    draw: (example: string, laptop: Laptop) => {
      const redraw = () => draw(example, laptop).catch(() => say('the connections cannot be listed at the moment'));
      timer = setInterval(redraw, 1000);
      redraw();
    },
    close: async () => {
      clearInterval(timer);
      process.stdout.write(ALTERNATE_SCREEN.leave);
    },
  };
};
