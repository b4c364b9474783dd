/** What the code blocks of the documents may use without saying where it comes from. */
declare const client: import('gemsocket').IWebsocketClient;
declare const bus: import('gemsocket').WebsocketRequestBus;
declare const server: import('gemsocket/server').WebsocketServer;
