import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './served'; // before the address is read
import { begun, engine } from './engine/client';
import { mnistUrls } from './engine/mnist_urls';
import { language, t } from './language';
import { Chooser } from './parts/chooser';
import { useDark } from './parts/colours';
import { Presenter } from './parts/presenter';
import { ViewContext, viewOf } from './parts/view';
import { rooms, type Room } from './rooms/rooms';
import { embedded, presented, usePlace } from './router';
import './style.css';
import 'uplot/dist/uPlot.min.css';

/** The page again in the other language. */
function otherLanguage(): string {
    const query = new URLSearchParams(location.search);
    query.set('lang', language === 'en' ? 'ru' : 'en');
    return `${location.pathname}?${query}${location.hash}`;
}

function Missing() {
    return (
        <main class="room">
            <h1>{t('There is no such room')}</h1>
            <p>{t('Choose one of the rooms above.')}</p>
        </main>
    );
}

function Header({ room, onPresent }: { room: Room | undefined; onPresent: () => void }) {
    const strip = useRef<HTMLElement>(null);
    // On a phone the rooms are a strip to be pushed aside: the one that is open comes into sight.
    useEffect(() => {
        const current = strip.current?.querySelector<HTMLElement>('[aria-current]');
        if (current) strip.current!.scrollLeft = current.offsetLeft - strip.current!.clientWidth / 3;
    }, [room]);
    return (
        <header>
            <a class="brand" href="#/playground">
                soma studio
            </a>
            <nav ref={strip} aria-label={t('Rooms')}>
                {rooms.map((r) => (
                    <a key={r.name} href={`#/${r.name}`} aria-current={r === room ? 'page' : undefined}>
                        {t(r.title)}
                    </a>
                ))}
            </nav>
            <div class="tools">
                <Chooser />
                <button type="button" class="quiet" onClick={onPresent}>
                    {t('Present')}
                </button>
                <a
                    class="language"
                    href={otherLanguage()}
                    hreflang={language === 'en' ? 'ru' : 'en'}
                    lang={language === 'en' ? 'ru' : 'en'}
                >
                    {language === 'en' ? 'Русский' : 'English'}
                </a>
            </div>
        </header>
    );
}

function Page() {
    const place = usePlace();
    useDark(); // all is drawn again with the other colours
    const [presenting, setPresenting] = useState(presented);
    const room = rooms.find((r) => r.name === place.room);
    useEffect(() => {
        document.title = `${room ? t(room.title) : 'soma'} · soma studio`;
    }, [room]);
    useEffect(() => void document.documentElement.classList.toggle('presenting', presenting), [presenting]);
    const Room = room?.component ?? Missing;
    return (
        <ViewContext.Provider value={viewOf(place, presenting)}>
            {!embedded && !presenting && <Header room={room} onPresent={() => setPresenting(true)} />}
            <Room key={`${place.room} ${place.visit}`} settings={place.settings} />
            {presenting && <Presenter onLeave={() => setPresenting(false)} />}
        </ViewContext.Provider>
    );
}

document.documentElement.lang = language;
document.documentElement.classList.toggle('embedded', embedded);
render(<Page />, document.getElementById('app')!);
begun();
// Once loaded, the page needs no server: what rooms may ask for later is brought when the first one stands.
if (!mnistUrls.testImages.startsWith('data:'))
    setTimeout(() => void engine.digits.fetch(mnistUrls).catch(() => undefined), 1000);
