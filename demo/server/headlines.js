/** An event of the arena as a line of text; undefined for the events without one. */
export function headline(news, players) {
  const name = news.player?.name ?? news.name ?? players.get(news.id)?.name;
  switch (news.type) {
    case 'joined':
      return `${name} joins the arena`;
    case 'left':
      return `${name} leaves the arena`;
    case 'scored':
      return `${name} catches a sparkle: ${news.score}`;
    case 'round':
      return `${news.winner.name} wins the round with ${news.winner.score}`;
    default:
      return undefined;
  }
}
