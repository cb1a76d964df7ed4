/** A service that uses Tidemark inside RxJS only: its bundle must not carry a database or a file format. */
import { of } from 'rxjs';
import { count, eventTime, keyBy, tumbling, window } from 'tidemark';

of({ word: 'tide', at: 1 }, { word: 'mark', at: 2 }, { word: 'tide', at: 3 })
  .pipe(
    eventTime({ timestamp: (seen) => seen.at }),
    keyBy((seen) => seen.word),
    window(tumbling({ size: '1m' }), count(), { uid: 'words' }),
  )
  .subscribe(({ key, value }) => console.log(`${key} ${value}`));
