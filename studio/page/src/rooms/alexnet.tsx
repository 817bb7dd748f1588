export function AlexNet() {
    return (
        <main class="room">
            <h1>AlexNet</h1>
        </main>
    );
}
