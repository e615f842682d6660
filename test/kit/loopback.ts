import { once } from 'node:events';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
};

/** Listens on a free port of the loopback interface until the test has ended, and then closes all connections. */
export const listening = async (server: Server): Promise<number> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return portOf(server);
};

/** A port without a listener: one that was free a moment ago. */
export const closedPort = async (): Promise<number> => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
};

/** A server that speaks bytes instead of HTTP: `onBytes` is called with all bytes so far. */
export const rawServer = (onBytes: (socket: Socket, soFar: string) => void): Promise<number> => {
  const server = createTcpServer(socket => {
    let soFar = '';
    socket.on('data', data => {
      soFar += data.toString('latin1');
      onBytes(socket, soFar);
    });
  });
  return listening(server);
};
